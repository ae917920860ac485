//! Connections of the door on TCP. Everything about one is bounded before anybody is known to be there: any program on this machine can
//! open them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answering::{Answering, LetIn};

/// Connections at a time. A browser opens six for each host and the program's streams are few; the rest is for other programs. One is at
/// most [`HEADER_BYTES_MAX`] and a socket's buffers, some 100 KiB.
const CONNECTIONS_MAX: usize = 512;

/// The longest head of a request, in bytes, and the buffer of a connection: as other servers have it.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// The most headers of a request. Browsers send twenty.
const HEADERS_MAX: usize = 64;

/// How long the head of a request may take, and how long a connection may wait for the next one.
const HEADER_WITHIN: Duration = Duration::from_secs(30);

/// How long to wait when the system has no room for a further connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The connections that are open.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<VecDeque<Place>>>);

/// One of them, oldest first.
#[derive(Debug)]
struct Place {
    let_in: LetIn,
    stop: CancellationToken,
}

impl Places {
    /// A place for one more. Where there is none, the oldest on which nobody was let in makes room; where there is no such, there is
    /// none.
    fn take(&self) -> Option<(LetIn, CancellationToken)> {
        let mut places = self.0.lock().expect("no code panics while it holds them");
        places.retain(|place| !place.stop.is_cancelled());
        if places.len() >= CONNECTIONS_MAX {
            let oldest = places.iter().position(|place| !place.let_in.get())?;
            places.remove(oldest)?.stop.cancel();
        }
        let place = Place {
            let_in: LetIn::default(),
            stop: CancellationToken::new(),
        };
        let taken = (place.let_in.clone(), place.stop.clone());
        places.push_back(place);
        Some(taken)
    }
}

/// Serves connections of these listeners until `stop`; returns when all of them are closed.
pub(super) async fn serve(
    listeners: Vec<TcpListener>,
    answering: Arc<Answering>,
    stop: CancellationToken,
) {
    let (places, tasks) = (Places::default(), TaskTracker::new());
    for listener in listeners {
        let accepting = accept(
            listener,
            places.clone(),
            Arc::clone(&answering),
            tasks.clone(),
            stop.clone(),
        );
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
    }
    stop.cancelled().await;
    tasks.close();
    tasks.wait().await;
}

async fn accept(
    listener: TcpListener,
    places: Places,
    answering: Arc<Answering>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let Some((let_in, ended)) = places.take() else {
            continue;
        };
        let connection = connection(stream, Arc::clone(&answering), let_in, stop.clone());
        tasks.spawn(async move {
            let _gone = ended.clone().drop_guard();
            ended.run_until_cancelled(connection).await;
        });
    }
}

/// Serves one connection until it ends; with `stop`, until the call that is under way has ended.
async fn connection(
    stream: TcpStream,
    answering: Arc<Answering>,
    let_in: LetIn,
    stop: CancellationToken,
) {
    // Events are short, and wait for nothing.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (answering, let_in) = (Arc::clone(&answering), let_in.clone());
        async move {
            let request: Request = request.map(Body::new);
            Ok::<_, Infallible>(answering.answer(request, &let_in).await)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::trace!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_let_in_keeps_their_place_and_the_oldest_other_makes_room() {
        let places = Places::default();
        let first = places.take().expect("room");
        first.0.set();
        let second = places.take().expect("room");
        let others: Vec<_> = (2..CONNECTIONS_MAX).map(|_| places.take()).collect();
        assert!(others.iter().all(Option::is_some));
        places.take().expect("room is made");
        assert!(!first.1.is_cancelled());
        assert!(second.1.is_cancelled());
    }

    #[test]
    fn a_connection_that_ended_leaves_its_place() {
        let places = Places::default();
        for _ in 0..3 * CONNECTIONS_MAX {
            let (let_in, stop) = places.take().expect("room");
            let_in.set();
            stop.cancel();
        }
    }
}
