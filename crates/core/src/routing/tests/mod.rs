//! Whole machines against each other, over a network that delivers in any order asked for.

mod bounds;
mod crossing;
mod ending;
mod hostile;
mod reaching;
mod repeating;
mod seeking;
mod world;
