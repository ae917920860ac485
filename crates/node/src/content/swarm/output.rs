//! The half of a stream that sends.

use std::future::Future;
use std::io;

use bytes::Bytes;

/// Sends bytes that it need not copy.
pub trait Output: Send {
    /// Sends all of `bytes`, in order, without waiting for a flush. `handed` grows by what the stream has taken, at once: whoever gives this up before
    /// its end knows what is on its way.
    ///
    /// # Errors
    /// When the other side reads no further, or the stream is over.
    fn send(
        &mut self,
        bytes: Bytes,
        handed: &mut usize,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Says that nothing more follows.
    ///
    /// # Errors
    /// As [`Output::send`].
    fn finish(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}
