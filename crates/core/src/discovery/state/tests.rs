//! What a presence must hold to.
