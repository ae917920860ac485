//! An introducer that writes down everything: what it is asked, what it is told in sessions, what it stores, and what it
//! relays, in clear as far as it has the keys.
//!
//! It is put together from the parts of an honest one. TLS of the relay ends at a door of its own with the same key,
//! so that it sees the relay protocol's frames, as any introducer could whose owner changed the program.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use iroh::SecretKey;
use kith::introducer::RegistryService;
use kith::relay::{RelayServer, RelayServerConfig, pinned};
use kith::routing::relay_name::relay_tls_config;
use kith::routing::{Connection, FaceConfig, FaceEndpoint, ReceiveHalf, SendHalf};
use kith_core::codec::Wire as _;
use kith_core::discovery::{Client, RegistryConfig};
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::{Introducer, RelayName, Trust};
use kith_core::routing::wire::{Frame, HELLO_VERSION, Hello};
use kith_core::routing::{Answer, Offer};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is read of a relayed connection at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// Bytes as they came.
pub(super) type Tape = Arc<Mutex<Vec<u8>>>;

/// One session, from the introducer's side.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Who dialled.
    pub(super) client: DeviceKey,
    /// What it said on the control stream.
    pub(super) control: Tape,
    /// What it asked of the registry.
    pub(super) requests: Tape,
}

/// The introducer.
#[derive(Debug)]
pub(super) struct Observer {
    /// Its line, like any other's.
    pub(super) introducer: Introducer,
    /// Everybody who dialled it.
    pub(super) sessions: Arc<Mutex<Vec<Seen>>>,
    /// What the relay sent to its clients: everything it forwards, and from whom.
    pub(super) relayed: Tape,
    server: Arc<RelayServer>,
    registry: Arc<RegistryService>,
    data: TempDir,
    tasks: Vec<AbortHandle>,
}

impl Observer {
    pub(super) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a place for files");
        let here = SocketAddr::new(LOOPBACK, 0);
        let config = RelayServerConfig::new(here, data.path().to_owned());
        let server = Arc::new(RelayServer::start(config).await.expect("free ports"));
        let metrics = server.metrics().clone();
        let registry = RegistryService::open(data.path(), RegistryConfig::default(), metrics).await;
        let registry = Arc::new(registry.expect("a new database"));
        let endpoint = FaceEndpoint::bind(FaceConfig {
            bind: vec![here],
            public_server: true,
            port_mapping: false,
            ..FaceConfig::new(Face::Public, SecretKey::generate())
        });
        let endpoint = endpoint.await.expect("a free port");
        let udp_port = endpoint.bound_addresses()[0].port();
        let introducer = server.introducer(endpoint.device(), udp_port);
        let mut introducer = introducer.expect("a bound address");

        let (sessions, relayed) = (Arc::default(), Tape::default());
        let door = TcpListener::bind(here).await.expect("a free port");
        let real = server.tcp_addresses()[0];
        introducer.tcp_port = door.local_addr().expect("bound").port();
        let acceptor = acceptor(data.path());
        // Visitors have no other way to it, as to an honest introducer.
        endpoint.set_relays(&[introducer.clone()]).await;
        let taping = tape_relay(door, acceptor, real, introducer.clone(), relayed.clone());
        let serving = serve(endpoint, registry.clone(), Arc::clone(&sessions));
        Self {
            introducer,
            sessions,
            relayed,
            server,
            registry,
            data,
            tasks: vec![
                tokio::spawn(taping).abort_handle(),
                tokio::spawn(serving).abort_handle(),
            ],
        }
    }

    /// How many records it has taken.
    pub(super) fn records(&self) -> u64 {
        self.server.metrics().records_published.get()
    }

    /// Stops it, and reads what it keeps on its disk but its own keys.
    pub(super) async fn stored(self) -> Vec<u8> {
        self.registry.close().await;
        for task in &self.tasks {
            task.abort();
        }
        let files = std::fs::read_dir(self.data.path()).expect("its directory");
        let files = files.map(|file| file.expect("a file").path());
        let kept = files.filter(|path| path.is_file() && !path.ends_with(pinned::KEY_FILE));
        let read = kept.map(|path| std::fs::read(path).expect("its own file"));
        read.collect::<Vec<_>>().concat()
    }
}

/// TLS with the introducer's own key.
fn acceptor(data: &std::path::Path) -> TlsAcceptor {
    let pem = std::fs::read_to_string(data.join(pinned::KEY_FILE)).expect("it has been made");
    let key = KeyPair::from_pem(&pem).expect("a key");
    let made = CertificateParams::new(vec!["relay".to_owned()]).expect("a plain name");
    let made = made.self_signed(&key).expect("it can sign");
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_no_client_auth()
        .with_single_cert(
            vec![made.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("key and certificate fit");
    TlsAcceptor::from(Arc::new(config))
}

/// Passes connections on to the relay, and tapes what it answers.
async fn tape_relay(
    door: TcpListener,
    acceptor: TlsAcceptor,
    relay: SocketAddr,
    introducer: Introducer,
    tape: Tape,
) {
    let Trust::Pin(pin) = introducer.trust else {
        panic!("a pinned introducer");
    };
    let addresses = introducer.addresses;
    let host = RelayName { pin, addresses }.host();
    let host = ServerName::try_from(host).expect("a host name");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = relay_tls_config(&[]).client_config(provider);
    let connector = TlsConnector::from(Arc::new(tls.expect("ring verifies")));
    while let Ok((stream, _)) = door.accept().await {
        let (acceptor, connector) = (acceptor.clone(), connector.clone());
        let (host, tape) = (host.clone(), tape.clone());
        tokio::spawn(async move {
            let client = acceptor.accept(stream).await?;
            let onward = TcpStream::connect(relay).await?;
            let relay = connector.connect(host, onward).await?;
            let (mut from_client, mut to_client) = tokio::io::split(client);
            let (mut from_relay, mut to_relay) = tokio::io::split(relay);
            let there = tokio::io::copy(&mut from_client, &mut to_relay);
            let back = async {
                let mut chunk = vec![0; CHUNK_BYTES];
                loop {
                    let length = from_relay.read(&mut chunk).await?;
                    if length == 0 {
                        return to_client.shutdown().await;
                    }
                    tape.lock().expect("a test").extend(&chunk[..length]);
                    to_client.write_all(&chunk[..length]).await?;
                    to_client.flush().await?;
                }
            };
            tokio::try_join!(there, back).map(|_| ())
        });
    }
}

/// Answers whoever dials, as an introducer's public face does.
async fn serve(
    endpoint: FaceEndpoint,
    registry: Arc<RegistryService>,
    sessions: Arc<Mutex<Vec<Seen>>>,
) {
    while let Some(connection) = endpoint.accept().await {
        let seen = Seen {
            client: connection.remote(),
            control: Tape::default(),
            requests: Tape::default(),
        };
        sessions.lock().expect("a test").push(seen.clone());
        tokio::spawn(answer(connection, registry.clone(), seen));
    }
}

async fn answer(connection: Connection, registry: Arc<RegistryService>, seen: Seen) -> Option<()> {
    let (mut send, receive) = connection.accept_stream().await.ok()?;
    let hello = Frame::Hello(Hello {
        version: HELLO_VERSION,
        boot: 1,
        dial: 0,
        agent: "observer".to_owned(),
        speaks: Vec::new(),
        observed: connection.observed(),
    });
    for frame in [hello, Frame::Stranger] {
        send.write_all(&frame.framed()).await.ok()?;
    }
    let mut taped = Taped(receive, seen.control);
    tokio::spawn(async move { tokio::io::copy(&mut taped, &mut tokio::io::sink()).await });
    let client = Client {
        key: connection.remote(),
        address: connection.observed().map(|address| address.ip()),
    };
    while let Ok(halves) = connection.accept_stream().await {
        let (registry, tape) = (registry.clone(), seen.requests.clone());
        tokio::spawn(serve_registry(halves, registry, client, tape));
    }
    Some(())
}

async fn serve_registry(
    (mut send, mut receive): (SendHalf, ReceiveHalf),
    registry: Arc<RegistryService>,
    client: Client,
    tape: Tape,
) -> Option<()> {
    let offer = receive.read_frame(Offer::BYTES_MAX).await.ok()??;
    tape.lock().expect("a test").extend(offer);
    let answer = Answer::Picked(0).framed();
    send.write_all(&answer).await.ok()?;
    let taped = Taped(receive, tape);
    registry.serve(taped, send, client).await.ok()
}

/// A reader that keeps what it gave.
struct Taped(ReceiveHalf, Tape);

impl AsyncRead for Taped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        let new = &buffer.filled()[before..];
        self.1.lock().expect("a test").extend(new);
        Poll::Ready(Ok(()))
    }
}
