//! What a provider promises.
