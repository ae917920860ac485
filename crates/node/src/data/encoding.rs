//! The memory that encodings are written to, again and again.
//!
//! A vector clears its bytes before it lets anybody read into them. Where a file is read by the gigabyte into the same few buffers, clearing took a
//! tenth of the reader's time.

use std::io;

/// Bytes that grow at their end into memory that is kept: what lies behind the end was written once, and is not cleared before it is
/// written over.
#[derive(Debug, Default)]
pub struct Encoding {
    bytes: Vec<u8>,
    filled: usize,
}

impl Encoding {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// How much memory it holds, in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Has all bytes from the `length`th on be none of its own any more.
    pub fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Holds memory for so many more bytes.
    pub fn reserve(&mut self, more: usize) {
        let short = (self.filled + more).saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(short);
    }

    /// Adds bytes.
    pub fn extend(&mut self, more: &[u8]) {
        self.next(more.len()).copy_from_slice(more);
        self.filled += more.len();
    }

    /// Adds as many bytes as said, which `fill` writes over whatever lies there.
    ///
    /// # Errors
    /// What `fill` says; nothing is added then.
    pub fn fill(
        &mut self,
        count: usize,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        fill(self.next(count))?;
        self.filled += count;
        Ok(())
    }

    fn next(&mut self, count: usize) -> &mut [u8] {
        let end = self.filled + count;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.filled..end]
    }
}

impl AsRef<[u8]> for Encoding {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl AsMut<[u8]> for Encoding {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_is_never_seen_again() {
        let mut encoding = Encoding::default();
        encoding.extend(b"secret");
        encoding.truncate(0);
        assert_eq!((encoding.as_ref(), encoding.is_empty()), (&b""[..], true));
        let failed = encoding.fill(6, |_| Err(io::ErrorKind::UnexpectedEof.into()));
        assert!(failed.is_err());
        assert_eq!(encoding.as_ref(), b"");
        encoding.extend(b"ab");
        let filled = encoding.fill(2, |space| {
            space.copy_from_slice(b"cd");
            Ok(())
        });
        filled.expect("filled");
        assert_eq!((encoding.as_ref(), encoding.len()), (&b"abcd"[..], 4));
    }

    #[test]
    fn memory_is_kept() {
        let mut encoding = Encoding::default();
        encoding.reserve(1000);
        let before = encoding.capacity();
        for _ in 0..10 {
            encoding.extend(&[1; 1000]);
            encoding.truncate(0);
        }
        assert_eq!(encoding.capacity(), before);
    }
}
