//! A byte stream whose reader pays for what it reads: too much in a second is delayed, too much in a day is the end.
//!
//! The delay works by not reading, so TCP's own flow control slows the client down and nothing is dropped. Counting
//! is at the lowest layer, so that WebSocket pings and the relay protocol's headers are paid for too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use iroh_relay::ExportKeyingMaterial;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::accounts::{Charge, Meter};

/// A client's TLS stream; free of charge until it has a meter, which is as soon as the client has proven its key.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TlsStream<TcpStream>,
    meter: Option<Meter>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Metered {
    pub(super) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream,
            meter: None,
            pause: None,
        }
    }

    /// From here on what is read counts.
    pub(super) fn start(&mut self, meter: Meter) {
        self.meter = Some(meter);
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let bytes = buffer.filled().len() - before;
        match self.meter.as_ref().map(|meter| meter.charge(bytes)) {
            None | Some(Charge::Pass) => {}
            Some(Charge::PauseUntil(instant)) => self.pause = Some(Box::pin(sleep_until(instant))),
            Some(Charge::UsedUp) => {
                return Poll::Ready(Err(io::Error::other("the quota of the day is used up")));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl ExportKeyingMaterial for Metered {
    fn export_keying_material<T: AsMut<[u8]>>(
        &self,
        output: T,
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Option<T> {
        let (_, session) = self.stream.get_ref();
        session.export_keying_material(output, label, context).ok()
    }
}
