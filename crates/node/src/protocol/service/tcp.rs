//! A TCP connection (RFC 9293) joined to a stream: each byte, end and error of one is one of the other.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::peer::{Stream, StreamReader, StreamWriter};

/// Bytes read from a socket at once: what a socket on this machine holds ready under load; more gains nothing.
const READ_BYTES: usize = 256 * 1024;

/// A buffer with less room than this is not read into any more.
const READ_BYTES_MIN: usize = 64 * 1024;

/// Pieces of a stream written to a socket at once: 64 packets of up to 1,414 bytes are 90 KB, and the slices fit a stack.
const WRITE_CHUNKS: usize = 64;

/// How long a service may take to accept: it is on this machine or in the next room.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Connects to a service.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(address));
    connecting.await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// A socket that is reset when it is dropped before both directions have ended well, so that an error at the far end does
/// not look like an end.
struct Socket {
    stream: TcpStream,
    done: bool,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.done {
            // Fails only for a socket that is reset already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// Carries bytes both ways until both directions have ended, or either failed; then both are given up.
///
/// # Errors
/// The failure that ended it; a [`crate::routing::Refused`] when the other side does not serve this.
pub(super) async fn carry(socket: TcpStream, stream: Stream) -> io::Result<()> {
    // Who wants small writes gathered has gathered them.
    socket.set_nodelay(true)?;
    let mut socket = Socket {
        stream: socket,
        done: false,
    };
    let (mut reader, mut writer) = stream.into_split();
    let (read, write) = socket.stream.split();
    let watch = read.as_ref();
    // Either side may fail while there is nothing to write to it, so both are watched.
    let delivered = writer.delivered();
    let failed = watch.ready(Interest::ERROR);
    let both = async {
        tokio::try_join!(
            outward(&read, &mut writer),
            inward(&mut reader, write),
            delivered
        )
    };
    tokio::select! {
        ended = both => { ended?; }
        _ = failed => return Err(io::ErrorKind::ConnectionReset.into()),
    }
    socket.done = true;
    Ok(())
}

/// From the socket to the stream.
async fn outward(socket: &ReadHalf<'_>, writer: &mut StreamWriter) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() - buffer.len() < READ_BYTES_MIN {
            buffer.reserve(READ_BYTES);
        }
        match socket.try_read_buf(&mut buffer) {
            Ok(0) => return writer.shutdown().await,
            Ok(_) => writer.write_chunk(buffer.split().freeze()).await?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // An idle connection holds no memory.
                buffer = BytesMut::new();
                socket.readable().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// From the stream to the socket.
async fn inward(reader: &mut StreamReader, mut socket: WriteHalf<'_>) -> io::Result<()> {
    let mut chunks = [const { Bytes::new() }; WRITE_CHUNKS];
    while let Some(count) = reader.read_chunks(&mut chunks).await? {
        write_all(&mut socket, &mut chunks[..count]).await?;
    }
    socket.shutdown().await
}

/// Writes all chunks and leaves them empty.
async fn write_all(socket: &mut WriteHalf<'_>, mut chunks: &mut [Bytes]) -> io::Result<()> {
    while !chunks.is_empty() {
        let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS];
        for (slice, chunk) in slices.iter_mut().zip(chunks.iter()) {
            *slice = IoSlice::new(chunk);
        }
        let mut written = socket.write_vectored(&slices[..chunks.len()]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(first) = chunks.first_mut() {
            let part = first.len().min(written);
            first.advance(part);
            written -= part;
            if !first.is_empty() {
                break;
            }
            *first = Bytes::new();
            chunks = &mut std::mem::take(&mut chunks)[1..];
        }
    }
    Ok(())
}
