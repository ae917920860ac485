//! What is said on a stream, the same on kith's and on bare ones.
//!
//! The asker's first byte says what is wanted: [`ECHO`] for pings, which come back one by one, [`SINK`] for a
//! number of bytes, which are read and counted, or [`SPRING`] for as many that come the other way. So both are measured by the same code.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Pings come back.
pub(crate) const ECHO: u8 = b'e';

/// Bytes are counted.
const SINK: u8 = b's';

/// Bytes are sent.
const SPRING: u8 = b'w';

/// The length of a ping.
const PING_BYTES: usize = 8;

/// What is written and read at once: what `tokio::io::copy` and most programs use is between 8 and 64 KiB.
const CHUNK_BYTES: usize = 64 * 1024;

/// Answers one stream until it ends.
pub(crate) async fn answer(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    match reader.read_u8().await? {
        SINK => {
            let length = reader.read_u64().await?;
            let mut chunk = vec![0; CHUNK_BYTES];
            let mut left = length;
            while left > 0 {
                match reader.read(&mut chunk).await? {
                    0 => break,
                    read => left = left.saturating_sub(read as u64),
                }
            }
            writer.write_u64(length - left).await?;
        }
        SPRING => {
            let length = reader.read_u64().await?;
            write_chunks(&mut writer, length).await?;
        }
        _ => {
            let mut ping = [0; PING_BYTES];
            while reader.read_exact(&mut ping).await.is_ok() {
                writer.write_all(&ping).await?;
            }
        }
    }
    writer.shutdown().await
}

/// Asks for echoes; nothing is sent before the first ping, with which it goes.
pub(crate) async fn first_echo(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<Duration> {
    let begun = Instant::now();
    let mut question = [ECHO; 1 + PING_BYTES];
    question[1..].fill(1);
    writer.write_all(&question).await?;
    reader.read_exact(&mut [0; PING_BYTES]).await?;
    Ok(begun.elapsed())
}

/// One more echo on a stream that had its first.
pub(crate) async fn next_echo(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<Duration> {
    let begun = Instant::now();
    writer.write_all(&[2; PING_BYTES]).await?;
    reader.read_exact(&mut [0; PING_BYTES]).await?;
    Ok(begun.elapsed())
}

/// Sends `length` bytes; how long it took until the other side said that it had read them.
pub(crate) async fn pour(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    length: u64,
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    writer.write_u8(SINK).await?;
    writer.write_u64(length).await?;
    write_chunks(writer, length).await?;
    let counted = reader.read_u64().await?;
    ensure!(counted == length, "{counted} of {length} bytes arrived");
    Ok(begun.elapsed())
}

/// Asks for `length` bytes and reads until the end; how many came.
pub(crate) async fn draw(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    length: u64,
) -> std::io::Result<u64> {
    writer.write_u8(SPRING).await?;
    writer.write_u64(length).await?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut received = 0;
    loop {
        match reader.read(&mut chunk).await? {
            0 => return Ok(received),
            read => received += read as u64,
        }
    }
}

async fn write_chunks(writer: &mut (impl AsyncWrite + Unpin), length: u64) -> std::io::Result<()> {
    let chunk = vec![7; CHUNK_BYTES];
    let mut left = length;
    while left > 0 {
        let now = left.min(CHUNK_BYTES as u64);
        writer.write_all(&chunk[..now as usize]).await?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_are_counted_and_sent_and_pings_come_back() {
        for asked in [ECHO, SINK, SPRING] {
            let (here, there) = tokio::io::duplex(1024);
            let (reader, writer) = tokio::io::split(there);
            let answering = tokio::spawn(answer(reader, writer));
            let (mut reader, mut writer) = tokio::io::split(here);
            match asked {
                ECHO => {
                    first_echo(&mut reader, &mut writer).await.expect("an echo");
                    next_echo(&mut reader, &mut writer).await.expect("another");
                }
                SINK => {
                    let poured = pour(&mut reader, &mut writer, 200_000).await;
                    poured.expect("all of it");
                }
                _ => {
                    let drawn = draw(&mut reader, &mut writer, 200_000).await;
                    assert_eq!(drawn.expect("all of it"), 200_000);
                }
            }
            writer.shutdown().await.expect("open");
            answering.await.expect("no panic").expect("a whole stream");
        }
    }
}
