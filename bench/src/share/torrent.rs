//! Torrents, and a tracker for them: [BEP 3](https://www.bittorrent.org/beps/bep_0003.html), compact peers by BEP 23.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::share::content::Content;

/// The length of a piece: what programs choose for 2 GiB.
const PIECE_BYTES: usize = 1 << 20;

/// The longest head of a request that is read: a hundred times what announcements have.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// What a tracker heard of a peer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Announced {
    /// The port it listens on.
    pub(crate) port: u16,
    /// How many bytes it lacks.
    pub(crate) left: u64,
}

/// Writes the torrent of `content` to `path`, with the URL of a tracker.
pub(crate) fn write(content: &Content, tracker: Option<&str>, path: &Path) -> Result<()> {
    let mut pieces = Pieces::default();
    let mut info = Vec::new();
    if content.path.is_file() {
        pieces.add(&content.path)?;
        bytes(&mut info, b"length");
        write!(info, "i{}e", content.bytes)?;
    } else {
        bytes(&mut info, b"files");
        info.push(b'l');
        add_folder(&content.path, &mut Vec::new(), &mut info, &mut pieces)?;
        info.push(b'e');
    }
    bytes(&mut info, b"name");
    bytes(&mut info, content.name().as_bytes());
    bytes(&mut info, b"piece length");
    write!(info, "i{PIECE_BYTES}e")?;
    bytes(&mut info, b"pieces");
    bytes(&mut info, &pieces.end());
    let mut torrent = vec![b'd'];
    if let Some(tracker) = tracker {
        bytes(&mut torrent, b"announce");
        bytes(&mut torrent, tracker.as_bytes());
    }
    bytes(&mut torrent, b"info");
    torrent.push(b'd');
    torrent.extend(info);
    torrent.extend(b"ee");
    Ok(fs::write(path, torrent)?)
}

fn bytes(to: &mut Vec<u8>, string: &[u8]) {
    to.extend(string.len().to_string().as_bytes());
    to.push(b':');
    to.extend(string);
}

fn add_folder(
    folder: &Path,
    names: &mut Vec<String>,
    info: &mut Vec<u8>,
    pieces: &mut Pieces,
) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        names.push(entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            add_folder(&path, names, info, pieces)?;
        } else {
            pieces.add(&path)?;
            info.push(b'd');
            bytes(info, b"length");
            write!(info, "i{}e", path.metadata()?.len())?;
            bytes(info, b"path");
            info.push(b'l');
            for name in names.iter() {
                bytes(info, name.as_bytes());
            }
            info.extend(b"ee");
        }
        names.pop();
    }
    Ok(())
}

/// The hashes of pieces, which run on from file to file.
#[derive(Debug, Default)]
struct Pieces {
    hashes: Vec<u8>,
    begun: Vec<u8>,
}

impl Pieces {
    fn add(&mut self, path: &Path) -> Result<()> {
        let mut file = File::open(path)?;
        loop {
            let room = (PIECE_BYTES - self.begun.len()) as u64;
            let read = (&mut file).take(room).read_to_end(&mut self.begun)?;
            if self.begun.len() == PIECE_BYTES {
                self.hash();
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn hash(&mut self) {
        self.hashes.extend(Sha1::digest(&self.begun));
        self.begun.clear();
    }

    fn end(mut self) -> Vec<u8> {
        if !self.begun.is_empty() {
            self.hash();
        }
        self.hashes
    }
}

/// Tells everybody who announces itself of the others, for one torrent; `heard` is told of each.
pub(crate) fn track(listener: &TcpListener, mut heard: impl FnMut(Announced)) -> Result<()> {
    let mut peers = BTreeSet::new();
    loop {
        let (stream, from) = listener.accept()?;
        let IpAddr::V4(address) = from.ip() else {
            continue;
        };
        // A request that makes no sense is its sender's affair.
        if let Ok(announced) = answer(stream, address, &mut peers) {
            heard(announced);
        }
    }
}

fn answer(
    stream: TcpStream,
    address: Ipv4Addr,
    peers: &mut BTreeSet<SocketAddrV4>,
) -> Result<Announced> {
    let mut lines = BufReader::new(stream.try_clone()?.take(REQUEST_BYTES_MAX)).lines();
    let request = lines.next().context("a request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let field = |name: &str| {
        let (_, query) = request.split_whitespace().nth(1)?.split_once('?')?;
        let mut fields = query.split('&').filter_map(|field| field.split_once('='));
        fields.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let announced = Announced {
        port: field("port").context("a port")?.parse()?,
        left: field("left").context("what is left")?.parse()?,
    };
    let me = SocketAddrV4::new(address, announced.port);
    let mut others = Vec::new();
    for peer in peers.iter().filter(|peer| **peer != me) {
        others.extend(peer.ip().octets());
        others.extend(peer.port().to_be_bytes());
    }
    if field("event") == Some("stopped") {
        peers.remove(&me);
    } else {
        peers.insert(me);
    }
    let mut body = b"d8:intervali60e5:peers".to_vec();
    bytes(&mut body, &others);
    body.push(b'e');
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    Ok(announced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_tells_the_second_of_the_first() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        std::thread::spawn(move || track(&listener, |_| ()));
        let ask = |port| {
            let mut stream = TcpStream::connect(address).expect("a tracker");
            let request = format!("GET /announce?info_hash=x&port={port}&left=0 HTTP/1.1\r\n\r\n");
            stream.write_all(request.as_bytes()).expect("it listens");
            let mut said = Vec::new();
            stream.read_to_end(&mut said).expect("it answers");
            said
        };
        assert!(ask(258).ends_with(b"5:peers0:e"));
        assert!(ask(772).ends_with(b"5:peers6:\x7f\0\0\x01\x01\x02e"));
    }
}
