//! `kith introducer`: a meeting place for others.

use super::On;
use crate::args::IntroducerArgs;
use crate::failure::Failure;

/// Runs an introducer until it is told to stop.
pub(super) async fn introducer(_on: &On, _args: IntroducerArgs) -> Result<(), Failure> {
    Err(Failure::failed("this version cannot do it yet"))
}
