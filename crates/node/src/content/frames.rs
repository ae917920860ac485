//! Frames of `/kith/share/1` on a stream.

use std::io;

use kith_core::codec::{self, FRAME_HEADER_BYTES, Wire};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Reads one message; `None` when the stream ends before it.
///
/// # Errors
/// The stream's; [`io::ErrorKind::InvalidData`] for a frame that is too long or not a message.
pub(super) async fn read<T: Wire>(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let mut header = [0; FRAME_HEADER_BYTES];
    if reader.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut header[1..]).await?;
    let length = codec::frame_length(header, T::BYTES_MAX).map_err(invalid)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    codec::decode(&body).map(Some).map_err(invalid)
}

/// A message as a frame.
pub(super) fn frame<T: Wire>(message: &T) -> Vec<u8> {
    codec::frame(&codec::encode(message))
}

fn invalid(error: codec::DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
