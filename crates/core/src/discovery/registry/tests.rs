//! What a registry must hold to.
