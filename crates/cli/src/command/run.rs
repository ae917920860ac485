//! Which command does what.

use std::process::ExitCode;

use super::on::On;
use super::{
    backup, content, demo, exec, introducer, limits, me, people, reach, services, stdio, transfers,
    up, web,
};
use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;

/// Runs the command.
///
/// # Errors
/// What the command says of why it failed, with the exit code.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<ExitCode, Failure> {
    let on = On {
        common: cli.common,
        output,
    };
    match cli.command {
        // Done before there is a runtime.
        Command::PreviewWorker { .. } => {}
        Command::Up(args) => up::up(&on, args).await?,
        Command::Id => me::id(&on).await?,
        Command::Invite(args) => me::invite(&on, args).await?,
        Command::Status => me::status(&on).await?,
        Command::Doctor => return me::doctor(&on).await,
        Command::Add { invite, name } => people::add(&on, invite, name).await?,
        Command::Contacts { tag, speaks } => people::contacts(&on, tag, speaks).await?,
        Command::Contact { command } => people::contact(&on, command).await?,
        Command::Ping {
            peer,
            count,
            interval,
        } => reach::ping(&on, peer, count, interval).await?,
        Command::Trace { peer } => reach::trace(&on, peer).await?,
        Command::Pipe { peer, protocol } => stdio::pipe(&on, peer, protocol).await?,
        Command::Listen {
            protocol,
            from,
            exec: None,
        } => stdio::listen(&on, protocol, from).await?,
        Command::Listen {
            protocol,
            from,
            exec: Some(program),
        } => {
            exec::listen(&on, protocol, from, program).await?;
        }
        Command::Offer(args) => services::offer(&on, args).await?,
        Command::Offers => services::offers(&on).await?,
        Command::Forward {
            udp,
            listen,
            target,
        } => {
            services::forward(&on, target, listen, udp).await?;
        }
        Command::Introducer(args) => introducer::introducer(&on, args).await?,
        Command::Demo(args) => demo::demo(&on, args).await?,
        Command::Identity { command } => backup::identity(&on, command).await?,
        Command::Share(args) => content::share(&on, args).await?,
        Command::Shares { share } => content::shares(&on, share.as_deref()).await?,
        Command::Audience { share, audience } => {
            content::audience(&on, &share, audience).await?;
        }
        Command::Unshare { share } => content::unshare(&on, &share).await?,
        Command::Ls { path } => content::list(&on, path.as_deref()).await?,
        Command::Get(args) => content::get(&on, args).await?,
        Command::Limits(args) => limits::limits(&on, args).await?,
        Command::Web(args) => web::web(&on, args).await?,
        Command::Tokens { command } => web::tokens(&on, command).await?,
        Command::Transfers { command } => transfers::transfers(&on, command).await?,
    }
    Ok(ExitCode::SUCCESS)
}
