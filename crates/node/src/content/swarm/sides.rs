//! The two sides of a node's swarms.

use std::sync::Arc;

use kith_core::content::swarm::{GetterConfig, ProviderConfig};

use super::getting::Getting;
use super::giving::Giving;
use crate::content::shares::Shares;
use crate::entropy;

/// The two sides. Clones share them.
#[derive(Clone, Debug)]
pub struct Sides {
    /// The one that wants.
    pub getting: Arc<Getting>,
    /// The one that gives.
    pub giving: Arc<Giving>,
}

impl Sides {
    /// Of a node that has these shares. [`Getting::run`] and [`Giving::run`] are to be run beside it.
    pub fn new(shares: &Arc<Shares>) -> Self {
        let (wanting, offering) = (GetterConfig::default(), ProviderConfig::default());
        Self {
            getting: Arc::new(Getting::new(wanting, entropy::seed())),
            giving: Arc::new(Giving::new(Arc::clone(shares), offering, entropy::seed())),
        }
    }
}
