//! A TCP connection as TLS is given it: a bounded one until the other side has proven itself, and then one read in large pieces.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use kith_core::routing::express::config::UNPROVEN_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is read from the kernel at once, in bytes: sixteen records of TLS, which takes them 4 KiB at a time.
const READ_BYTES: usize = 256 * 1024;

/// The connection.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    /// A second handle of the same connection, to end it while the first is in use.
    door: Option<Door>,
    /// Space for bytes that are read ahead: those from `taken` to `filled` are there.
    ahead: Vec<u8>,
    taken: usize,
    filled: usize,
    /// How many more may be read.
    allowance: u64,
}

/// Ends a connection, whoever uses it.
#[derive(Debug)]
pub(super) struct Door(std::net::TcpStream);

impl Door {
    /// Ends it in both directions.
    pub(super) fn shut(&self) {
        // Fails only for a connection that is over.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Socket {
    /// Takes a connection whose other side has proven nothing yet.
    ///
    /// The kernel sizes its buffers by itself, by what the path holds; a size set by hand would be a lower one in most systems.
    ///
    /// # Errors
    /// When the process has no more handles, or the connection is over.
    pub(super) fn new(tcp: TcpStream) -> io::Result<Self> {
        // Pieces are gathered already: a small one is the last of something that is waited for.
        tcp.set_nodelay(true)?;
        let tcp = tcp.into_std()?;
        let door = Door(tcp.try_clone()?);
        Ok(Self {
            tcp: TcpStream::from_std(tcp)?,
            door: Some(door),
            ahead: Vec::new(),
            taken: 0,
            filled: 0,
            allowance: UNPROVEN_BYTES_MAX,
        })
    }

    /// The other side has proven itself: as much may be read as comes. Gives the second handle, once.
    pub(super) fn open_up(&mut self) -> Option<Door> {
        self.allowance = u64::MAX;
        self.door.take()
    }

    /// Reads from the kernel, once all that was read ahead is taken.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wanted = usize::try_from(self.allowance)
            .unwrap_or(READ_BYTES)
            .min(READ_BYTES);
        if wanted == 0 {
            let error = io::Error::other("too many bytes before a proof");
            return Poll::Ready(Err(error));
        }
        if self.ahead.len() < wanted {
            self.ahead.resize(wanted, 0);
        }
        let mut space = ReadBuf::new(&mut self.ahead[..wanted]);
        let read = Pin::new(&mut self.tcp).poll_read(cx, &mut space);
        let count = space.filled().len();
        (self.taken, self.filled) = (0, count);
        self.allowance -= count as u64;
        read
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken == self.filled {
            ready!(self.poll_ahead(cx))?;
        }
        let left = &self.ahead[self.taken..self.filled];
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
