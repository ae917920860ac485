//! Captures: every packet of a host, with all of its content, to be searched.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use patchbay::Device;

use crate::program::Program;

/// How long tcpdump may take to start.
const CAPTURE_DURATION_MAX: Duration = Duration::from_secs(10);

/// What the kernel may be ahead of tcpdump by: all that a test sends while tcpdump waits for the processor.
const BUFFER_KIB: &str = "32768";

/// The file's header (pcap, draft-ietf-opsawg-pcap), in bytes; its last four are the link type.
const FILE_HEADER_BYTES: usize = 24;

/// What stands before each packet: two times, two lengths.
const PACKET_HEADER_BYTES: usize = 16;

/// Link types of `tcpdump -i any` (LINUX_SLL, LINUX_SLL2), each with the bytes before the IP header and where among them the
/// protocol stands.
const LINK_TYPES: [(u32, usize, usize); 2] = [(113, 16, 14), (276, 20, 0)];

/// IPv4, among protocols of a link.
const IPV4: u16 = 0x0800;

/// TCP, among protocols of IP.
const TCP: u8 = 6;

/// UDP, among protocols of IP.
const UDP: u8 = 17;

/// A capture that goes on.
pub(crate) struct Capture {
    file: PathBuf,
    tcpdump: Program,
}

/// What went from one address to another, in one connection: the payloads of its packets, one behind the other.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Who sent it.
    pub(crate) from: Ipv4Addr,
    /// Who was to get it.
    pub(crate) to: Ipv4Addr,
    /// What was sent.
    pub(crate) content: Vec<u8>,
}

impl Capture {
    /// Captures every packet of `host`, whole.
    pub(crate) fn start(host: &Device, dir: &Path) -> Result<Self> {
        let file = dir.join(format!("{}.pcap", host.name()));
        let mut command = Command::new("tcpdump");
        command.args(["-i", "any", "-n", "-s", "0", "-B", BUFFER_KIB, "-U"]);
        command.arg("--immediate-mode");
        command.args(["-Z", "root", "-w"]).arg(&file);
        let tcpdump = Program::start(host, command)?;
        tcpdump.wait_for_talk(CAPTURE_DURATION_MAX, "listening on")?;
        Ok(Self { file, tcpdump })
    }

    /// Ends it, and gives what went over IPv4.
    pub(crate) fn read(self) -> Result<Vec<Flow>> {
        self.tcpdump.stop()?;
        let bytes = fs::read(&self.file)?;
        let number = |at: usize| -> Result<u32> {
            let four = bytes.get(at..at + 4).context("a capture cut short")?;
            Ok(u32::from_ne_bytes(four.try_into()?))
        };
        let kind = number(FILE_HEADER_BYTES - 4)?;
        let link = LINK_TYPES.into_iter().find(|(known, ..)| *known == kind);
        let (_, header, protocol) = link.with_context(|| format!("link type {kind}"))?;
        let mut flows: BTreeMap<_, Vec<u8>> = BTreeMap::new();
        let mut at = FILE_HEADER_BYTES;
        while at < bytes.len() {
            let (length, whole) = (number(at + 8)? as usize, number(at + 12)? as usize);
            ensure!(length == whole, "a packet is cut off");
            at += PACKET_HEADER_BYTES;
            let packet = bytes.get(at..at + length).context("a capture cut short")?;
            at += length;
            if packet.get(protocol..protocol + 2) == Some(&IPV4.to_be_bytes()) {
                let (ends, payload) = dissect(&packet[header..]).context("a crooked packet")?;
                flows.entry(ends).or_default().extend_from_slice(payload);
            }
        }
        ensure!(!flows.is_empty(), "nothing was captured");
        let flow = |((from, to, _), content)| Flow { from, to, content };
        Ok(flows.into_iter().map(flow).collect())
    }
}

/// From whom to whom, with protocol and ports where it has any; and what an IPv4 packet carries.
type Dissected<'a> = ((Ipv4Addr, Ipv4Addr, Vec<u8>), &'a [u8]);

fn dissect(packet: &[u8]) -> Option<Dissected<'_>> {
    let address = |at: usize| -> Option<Ipv4Addr> {
        let four: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(four.into())
    };
    let (from, to) = (address(12)?, address(16)?);
    let total = u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]);
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let segment = packet.get(header..usize::from(total))?;
    let protocol = *packet.get(9)?;
    let (ports, content) = match protocol {
        TCP => {
            let header = usize::from(segment.get(12)? >> 4) * 4;
            (segment.get(..4)?, segment.get(header..)?)
        }
        UDP => (segment.get(..4)?, segment.get(8..)?),
        _ => (&[][..], segment),
    };
    let ends = [&[protocol], ports].concat();
    Some(((from, to, ends), content))
}
