//! Where the door on TCP is: one port of both loopback addresses.
//!
//! A browser takes `*.localhost` for 127.0.0.1 and for ::1, and tries either first. Whoever listened at the other would be sent codes
//! and cookies; so the port is had at both, or is somebody else's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use kith::home::Home;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::access::Web;
use super::admission::Admission;
use super::answering::Answering;
use super::connections;
use super::origin::Origins;

/// The port that is had where it is free.
pub(crate) const PORT_DEFAULT: u16 = 7117;

/// How often the system is asked for any port that is free at both addresses. It is at the first time but for bad luck.
const ANY_PORT_TRIES: usize = 8;

/// The door, before anybody is let in.
#[derive(Debug)]
pub(crate) struct Listening {
    listeners: Vec<TcpListener>,
    web: Arc<Web>,
    /// Whether somebody else has [`PORT_DEFAULT`], which nobody had asked for by name.
    pub(crate) is_elsewhere: bool,
}

/// Why there is no door.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ListenError {
    /// Somebody else has the port that was asked for.
    #[error(
        "another program listens on port {0} of this machine: end it, or name another port (--api 127.0.0.1:0 for any)"
    )]
    Taken(u16),
    /// What is kept of who may come in cannot be used.
    #[error("web.json in the data directory cannot be used: {0}")]
    Kept(io::Error),
    /// The system has no port, or no loopback.
    #[error("cannot listen on this machine's loopback address: {0}")]
    Io(io::Error),
}

impl Listening {
    /// Listens at the port `wanted`, 0 for any; where none is named, at [`PORT_DEFAULT`] or else at any.
    ///
    /// # Errors
    /// [`ListenError`].
    pub(crate) async fn bind(home: &Home, wanted: Option<u16>) -> Result<Self, ListenError> {
        let admission = Admission::open(home).map_err(ListenError::Kept)?;
        // Any port is as good as the one that was had last, whose cookies are good there.
        let last = admission.port();
        let candidates: Vec<u16> = match wanted {
            Some(0) => last.into_iter().collect(),
            Some(port) => vec![port],
            None => [Some(PORT_DEFAULT), last].into_iter().flatten().collect(),
        };
        let mut foreign = Vec::new();
        let mut had = None;
        for port in candidates {
            match bind_both(port).await {
                Ok(listeners) => {
                    had = Some(listeners);
                    break;
                }
                Err(error) if is_taken(&error) => foreign.push(port),
                Err(error) => return Err(ListenError::Io(error)),
            }
        }
        let listeners = match (had, wanted) {
            (Some(listeners), _) => listeners,
            (None, Some(port)) if port != 0 => {
                // Its cookies went there too.
                admission
                    .settle(last.unwrap_or(port), &foreign)
                    .map_err(ListenError::Kept)?;
                return Err(ListenError::Taken(port));
            }
            (None, _) => bind_any().await.map_err(ListenError::Io)?,
        };
        let port = port_of(&listeners).map_err(ListenError::Io)?;
        admission
            .settle(port, &foreign)
            .map_err(ListenError::Kept)?;
        let origins = Origins::new(&admission.key(), port);
        Ok(Self {
            listeners,
            web: Arc::new(Web::new(admission, origins)),
            is_elsewhere: wanted.is_none() && port != PORT_DEFAULT,
        })
    }

    /// The port that is had.
    pub(crate) fn port(&self) -> u16 {
        self.web.origins().port()
    }

    /// Whom it lets in.
    pub(crate) fn web(&self) -> &Arc<Web> {
        &self.web
    }

    /// Opens the door to `api`, until `stop`.
    pub(crate) fn open(self, api: Router, stop: CancellationToken) -> JoinHandle<()> {
        let answering = Arc::new(Answering::new(self.web, api));
        tokio::spawn(connections::serve(self.listeners, answering, stop))
    }
}

/// Listens at any port that is free at both addresses.
async fn bind_any() -> io::Result<Vec<TcpListener>> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..ANY_PORT_TRIES {
        match bind_both(0).await {
            Ok(listeners) => return Ok(listeners),
            Err(error) if is_taken(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Listens at a port of both addresses, as far as the machine has them.
async fn bind_both(port: u16) -> io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await {
        Ok(second) => listeners.push(second),
        Err(error) if is_taken(&error) => return Err(error),
        // A machine without IPv6: nobody else can listen there either.
        Err(_) => {}
    }
    Ok(listeners)
}

fn port_of(listeners: &[TcpListener]) -> io::Result<u16> {
    let first = listeners.first().ok_or(io::ErrorKind::NotFound)?;
    Ok(first.local_addr()?.port())
}

/// Whether somebody else has it; a port below 1024 that only root may have is as good as taken.
fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path());
        (directory, home)
    }

    #[tokio::test]
    async fn any_port_is_the_same_one_next_time() {
        let (_directory, home) = place();
        let first = Listening::bind(&home, Some(0)).await.expect("free").port();
        let again = Listening::bind(&home, Some(0)).await.expect("free").port();
        assert_eq!(first, again);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_said_to_be_by_whoever_has_either_address() {
        let (_directory, home) = place();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(other) = TcpListener::bind(address).await else {
                continue;
            };
            let port = other.local_addr().expect("bound").port();
            let refused = Listening::bind(&home, Some(port)).await;
            assert!(matches!(refused, Err(ListenError::Taken(it)) if it == port));
        }
    }

    #[tokio::test]
    async fn where_the_usual_port_is_taken_any_other_will_do() {
        let (_directory, home) = place();
        // Whoever else has it will do.
        let _other = bind_both(PORT_DEFAULT).await;
        let listening = Listening::bind(&home, None).await.expect("another");
        assert!(listening.is_elsewhere);
        assert_ne!(listening.port(), PORT_DEFAULT);
    }

    #[tokio::test]
    async fn cookies_of_a_port_that_somebody_took_are_good_no_more() {
        let (_directory, home) = place();
        let listening = Listening::bind(&home, Some(0)).await.expect("free");
        let port = listening.port();
        let url = listening.web.entrance();
        let code = url.split("code=").nth(1).expect("a code");
        let cookie = listening.web.enter(code).expect("room").expect("good");
        assert!(listening.web.browser(&cookie).is_some());
        drop(listening);

        let other = bind_both(port).await.expect("free again");
        let listening = Listening::bind(&home, Some(0)).await.expect("another");
        assert_ne!(listening.port(), port);
        drop((other, listening));
        let listening = Listening::bind(&home, Some(port))
            .await
            .expect("free again");
        assert!(listening.web.browser(&cookie).is_none());
    }
}
