//! What a getter promises.
