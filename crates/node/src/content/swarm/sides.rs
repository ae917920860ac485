//! The two sides of a node's swarms.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use kith_core::content::swarm::config::lanes_each;
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
    /// `further_lane_rate` is the getter's, where it is not the usual one.
    pub fn new(shares: &Arc<Shares>, further_lane_rate: Option<u64>) -> Self {
        let (usual, offering) = (GetterConfig::default(), ProviderConfig::default());
        // Where it cannot be told there is one.
        let cores = available_parallelism().map_or(1, NonZero::get);
        let wanting = GetterConfig {
            lanes_each: lanes_each(cores),
            further_lane_rate: further_lane_rate.unwrap_or(usual.further_lane_rate),
            ..usual
        };
        Self {
            getting: Arc::new(Getting::new(wanting, entropy::seed())),
            giving: Arc::new(Giving::new(Arc::clone(shares), offering, entropy::seed())),
        }
    }
}
