//! Buffers that are used again: the first touch of memory costs more than what is done with it.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that wait to be used: two for each of a handful of streams that are busy at once.
const BUFFERS_MAX: usize = 16;

/// The largest that is kept, in bytes: a chunk with what its encoding adds, but no longer range.
const BUFFER_BYTES_MAX: usize = 512 * 1024;

/// The buffers of one side. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// One of them; it goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    /// An empty one with room for so many bytes.
    pub(super) fn take(&self, capacity: usize) -> Buffer {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = waiting.pop().unwrap_or_default();
        drop(waiting);
        bytes.reserve_exact(capacity);
        Buffer {
            bytes,
            home: self.clone(),
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut waiting = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < BUFFERS_MAX && bytes.capacity() <= BUFFER_BYTES_MAX {
            bytes.clear();
            waiting.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_empty() {
        let buffers = Buffers::default();
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
