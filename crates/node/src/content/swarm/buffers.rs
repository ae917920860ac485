//! Buffers that are used again: the first touch of memory costs more than what is done with it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::data::encoding::Encoding;

/// Buffers that wait to be used: two for each of a handful of streams that are busy at once.
const BUFFERS_MAX: usize = 16;

/// The largest that is kept, in bytes: as much of the line as comes at once, with what its encoding adds, but no large node.
const BUFFER_BYTES_MAX: usize = 512 * 1024;

/// What can be used again.
pub(super) trait Reusable: Default + AsRef<[u8]> {
    /// How much memory it holds, in bytes.
    fn capacity(&self) -> usize;

    /// Holds memory for so many more bytes.
    fn reserve(&mut self, more: usize);

    /// Has nothing in it any more.
    fn clear(&mut self);
}

/// The buffers of one side. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers<T>(Arc<Mutex<Vec<T>>>);

/// One of them; it goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer<T: Reusable> {
    pub(super) bytes: T,
    home: Buffers<T>,
}

impl<T: Reusable> Buffers<T> {
    /// An empty one with room for so many bytes.
    pub(super) fn take(&self, capacity: usize) -> Buffer<T> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = waiting.pop().unwrap_or_default();
        drop(waiting);
        bytes.reserve(capacity);
        Buffer {
            bytes,
            home: Self(Arc::clone(&self.0)),
        }
    }
}

impl<T: Reusable> AsRef<[u8]> for Buffer<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl<T: Reusable> Drop for Buffer<T> {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut waiting = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < BUFFERS_MAX && bytes.capacity() <= BUFFER_BYTES_MAX {
            bytes.clear();
            waiting.push(bytes);
        }
    }
}

/// What is received is read into it by whoever knows how to do so without clearing it.
impl Reusable for Vec<u8> {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn reserve(&mut self, more: usize) {
        self.reserve_exact(more);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl Reusable for Encoding {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn reserve(&mut self, more: usize) {
        self.reserve(more);
    }

    fn clear(&mut self) {
        self.truncate(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_empty() {
        let buffers = Buffers::<Vec<u8>>::default();
        let mut first = buffers.take(1000);
        first.bytes.extend_from_slice(b"secret");
        let at = first.bytes.as_ptr();
        drop(first);
        let second = buffers.take(10);
        assert_eq!((second.bytes.as_ptr(), second.bytes.len()), (at, 0));
        drop(buffers.take(BUFFER_BYTES_MAX + 1));
        assert!(buffers.take(0).bytes.capacity() <= BUFFER_BYTES_MAX);
    }
}
