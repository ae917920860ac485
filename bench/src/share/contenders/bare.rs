//! Bare streams between two processes: TLS 1.3 on TCP, and iroh; both copy through buffers, and nothing is written down.
//!
//! It is what the machine could do if a transfer were nothing but encryption and the network. TLS once more from a file to a file is what
//! it could do if nothing had to be verified.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use serde::{Deserialize, Serialize};

use crate::bare::{self, Bare, Place, Tuning};
use crate::child::Parent;
use crate::exchange;
use crate::share::contender::Contender;
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX, TRANSFER_DURATION_MAX};
use crate::share::site::Sites;
use crate::share::watch::Watch;

/// What is written and read at once, as [`exchange`] does.
const CHUNK_BYTES: usize = 64 * 1024;

/// What the certificate says.
const HOST: &str = "kith.invalid";

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stream {
    /// TLS 1.3 on TCP.
    Tls,
    /// The same, of what is read from a file, and written to one.
    TlsOfFiles,
    /// QUIC by iroh, with the numbers it comes with.
    Iroh,
}

/// Where a source is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Source {
    tls: SocketAddr,
    certificate: Vec<u8>,
    iroh: Place,
}

/// What the other process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    stream: Stream,
    source: Source,
    bytes: u64,
    /// What to send, where it is a file,
    from: PathBuf,
    /// and where to write it.
    to: PathBuf,
}

/// The two processes.
#[derive(Debug)]
pub(crate) struct BareStream {
    stream: Stream,
    source: Source,
    content: Content,
    out: PathBuf,
    provider: Program,
    getter: Program,
}

impl BareStream {
    /// Starts both.
    pub(crate) fn start(
        stream: Stream,
        sites: Sites,
        ground: &Ground,
        content: &Content,
    ) -> Result<Self> {
        let this = std::env::current_exe()?;
        let start = |site: crate::share::site::Site, role: &str| {
            let mut command = site.command(&this);
            command.args(["child", role, &site.address.to_string()]);
            Program::start(role, command, &ground.log(&format!("bare-{role}.log"))?)
        };
        let provider = start(sites.provider, "source")?;
        let getter = start(sites.getter, "drain")?;
        Ok(Self {
            stream,
            source: provider.hear(START_DURATION_MAX)?,
            content: content.clone(),
            out: ground.folder("bare-out")?,
            provider,
            getter,
        })
    }
}

impl Contender for BareStream {
    fn name(&self) -> &'static str {
        match self.stream {
            Stream::Tls => "bare TLS on TCP",
            Stream::TlsOfFiles => "bare TLS on TCP, file to file",
            Stream::Iroh => "bare iroh stream",
        }
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.pid()]
    }

    fn fetch(&mut self, _watch: &Watch) -> Result<()> {
        self.getter.tell(&Order {
            stream: self.stream,
            source: self.source.clone(),
            bytes: self.content.bytes,
            from: self.content.path.clone(),
            to: self.out.join(self.content.name()),
        })?;
        let received: u64 = self.getter.hear(TRANSFER_DURATION_MAX)?;
        ensure!(received == self.content.bytes, "{received} bytes arrived");
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        (self.stream == Stream::TlsOfFiles).then_some(&self.out)
    }
}

/// The process that has something to send.
pub(crate) async fn source(mut parent: Parent, address: SocketAddr) -> Result<()> {
    let endpoint = Bare::bind(Tuning::Iroh, address).await?;
    endpoint.answer();
    let key = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    let certificate = key.cert.der().clone();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.clone()],
            private.map_err(anyhow::Error::msg)?,
        )?;
    let config = Arc::new(config);
    let listener = TcpListener::bind(address)?;
    let source = Source {
        tls: listener.local_addr()?,
        certificate: certificate.to_vec(),
        iroh: endpoint.place()?,
    };
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            // Who asked sees that it ends.
            let _ = send_tls(stream, config.clone());
        }
    });
    parent.tell(&source).await?;
    parent.hear::<()>().await?;
    endpoint.close().await;
    Ok(())
}

fn send_tls(mut socket: TcpStream, config: Arc<ServerConfig>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut connection = ServerConnection::new(config)?;
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let mut asked = [0; 8];
    stream.read_exact(&mut asked)?;
    let mut left = u64::from_be_bytes(asked);
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut path = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut path)?;
    let mut file = match path.is_empty() {
        true => None,
        false => Some(File::open(PathBuf::from(std::ffi::OsString::from_vec(
            path,
        )))?),
    };
    let mut chunk = vec![7; CHUNK_BYTES];
    while left > 0 {
        let now = usize::try_from(left.min(CHUNK_BYTES as u64))?;
        if let Some(file) = &mut file {
            file.read_exact(&mut chunk[..now])?;
        }
        stream.write_all(&chunk[..now])?;
        left -= now as u64;
    }
    connection.send_close_notify();
    connection.complete_io(&mut socket)?;
    Ok(())
}

/// The process that receives.
pub(crate) async fn drain(mut parent: Parent, address: SocketAddr) -> Result<()> {
    let endpoint = Bare::bind(Tuning::Iroh, address).await?;
    while let Some(order) = parent.hear::<Order>().await? {
        let received = match order.stream {
            Stream::Iroh => receive_iroh(&endpoint, &order).await?,
            Stream::Tls | Stream::TlsOfFiles => {
                tokio::task::spawn_blocking(move || receive_tls(&order)).await??
            }
        };
        parent.tell(&received).await?;
    }
    endpoint.close().await;
    Ok(())
}

async fn receive_iroh(endpoint: &Bare, order: &Order) -> Result<u64> {
    let connection = endpoint.connect(order.source.iroh).await?;
    let (mut reader, mut writer) = bare::open(&connection).await?;
    let received = exchange::draw(&mut reader, &mut writer, order.bytes).await?;
    connection.close(0u32.into(), b"");
    Ok(received)
}

fn receive_tls(order: &Order) -> Result<u64> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(order.source.certificate.clone()))?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from(HOST)?)?;
    let mut socket = TcpStream::connect(order.source.tls).context("no TLS source")?;
    socket.set_nodelay(true)?;
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(&order.bytes.to_be_bytes())?;
    let (from, mut to): (&Path, Box<dyn Write>) = match order.stream {
        Stream::TlsOfFiles => (&order.from, Box::new(File::create(&order.to)?)),
        Stream::Tls | Stream::Iroh => (Path::new(""), Box::new(io::sink())),
    };
    let from = from.as_os_str().as_bytes();
    stream.write_all(&u16::try_from(from.len())?.to_be_bytes())?;
    stream.write_all(from)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut received = 0;
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(received),
            read => {
                to.write_all(&chunk[..read])?;
                received += read as u64;
            }
        }
    }
}
