//! What the protocols above keep with a node, for as long as it runs: one value of each type, without this room knowing any.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The values, by their types: as many as there are protocols that ask.
#[derive(Debug, Default)]
pub(super) struct Extensions(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Extensions {
    /// The one value of this type, made when it is first asked for.
    pub(super) fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut values = self.0.lock().expect("a default does not panic");
        let value = values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        let value = Arc::clone(value);
        value.downcast().expect("it is filed under its type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_value() {
        let extensions = Extensions::default();
        *extensions.get::<Mutex<u8>>().lock().expect("free") = 7;
        assert_eq!(*extensions.get::<Mutex<u8>>().lock().expect("free"), 7);
        assert_eq!(*extensions.get::<Mutex<u16>>().lock().expect("free"), 0);
    }
}
