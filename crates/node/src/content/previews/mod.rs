//! Previews: small pictures of the pictures in a share, made by who provides it and shown to whoever may have it.
//!
//! - [`worker`]: the program that makes one, in a process of its own.
//! - [`making`]: what is made here, and kept. `ahead`: before anybody asks. [`kept`]: the folder.
//! - [`giving`]: the provider's side of a stream of `/kith/preview/1`. [`asking`]: the other one.
//! - [`error`]: why there is none.

mod ahead;
pub mod asking;
pub mod error;
pub mod giving;
pub mod kept;
pub mod making;
pub mod worker;

pub use asking::{Given, Pending, Wanted, ask_all};
pub use error::PreviewError;
pub use giving::give;
pub use kept::Kept;
pub use making::{Preview, Previews};
pub use worker::Worker;
