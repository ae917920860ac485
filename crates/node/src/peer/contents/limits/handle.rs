//! What an application asks and says of limits and uploads.

use std::io;

use kith_core::content::limits::{Limits, Plan};
use tokio::sync::watch;

use super::hours;
use super::served::UploadInfo;
use crate::config::Config;
use crate::error::Error;
use crate::peer::contents::handle::Contents;

impl Contents {
    /// How fast content may move, as its owner wants it.
    pub fn plan(&self) -> Plan {
        self.node.governor().plan()
    }

    /// Changes what its owner wants, from now on and in `config.toml`. `change` is given what holds, which nothing else changes meanwhile; where it says no,
    /// nothing has changed.
    ///
    /// # Errors
    /// What `change` says; [`Error::Io`] where `config.toml` cannot be written.
    pub async fn change_plan<E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Plan) -> Result<(), E>,
    ) -> Result<(), E> {
        let _changing = self.node.0.place.changing.lock().await;
        let mut plan = self.plan();
        change(&mut plan)?;
        let kept = Config::keep_limits(&self.node.home().config(), &plan);
        kept.map_err(|error| Error::io("the limits are not kept", io::Error::other(error)))?;
        self.set_plan(plan);
        Ok(())
    }

    /// Wants it otherwise, from now on and for as long as the node runs.
    pub fn set_plan(&self, plan: Plan) {
        self.node.governor().set_plan(plan, hours::now());
    }

    /// Follows the rates that hold: they change with the plan, and with the hour.
    pub fn limits(&self) -> watch::Receiver<Limits> {
        self.node.governor().subscribe()
    }

    /// What is being served now, by whom it goes to and by share.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn uploads(&self) -> Result<Vec<UploadInfo>, Error> {
        let mut uploads = self.node.governor().served.list();
        if uploads.is_empty() {
            return Ok(uploads);
        }
        let mine = self.blocking(|shares| Ok(shares.mine()?)).await?;
        // What is not shared was asked for in vain.
        uploads.retain_mut(|upload| {
            let head = mine.iter().map(|mine| &mine.head);
            let head = head.into_iter().find(|head| head.share == upload.share);
            upload.name = head.map_or_else(String::new, |head| head.name.clone());
            head.is_some()
        });
        Ok(uploads)
    }
}
