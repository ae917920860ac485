//! The tables of this room in `kith.db`.

use super::liars::LIARS_SCHEMA;
use super::{bare, fetches, known, left_out, past, remembered, selected, store, was};

/// Their pieces, in the order they were invented: a database has the first so many of them.
pub(crate) const SCHEMAS: &[&str] = &[
    store::SCHEMA,
    past::SCHEMA,
    fetches::SCHEMA,
    LIARS_SCHEMA,
    known::SCHEMA,
    bare::SCHEMA,
    bare::ANEW_SCHEMA,
    store::CTIME_SCHEMA,
    selected::SCHEMA,
    store::OWNED_SCHEMA,
    selected::PLACES_SCHEMA,
    remembered::SCHEMA,
    left_out::SCHEMA,
    was::SCHEMA,
    was::VERSIONS_SCHEMA,
    was::SELECTIONS_SCHEMA,
    bare::KINDS_SCHEMA,
    store::MOUNTED_SCHEMA,
    was::CHANGED_SCHEMA,
];
