//! Cutting the control stream into frames, with the bounds that keep one stream from costing more than one frame.

use super::close::CloseCode;
use super::config::{FRAMES_BURST, FRAMES_REFILL};
use super::wire::{FRAME_BYTES_MAX, Frame};
use crate::codec::{self, FRAME_HEADER_BYTES};
use crate::time::Time;

/// The bytes of an unfinished frame, and how many more frames the sender is good for.
#[derive(Clone, Debug)]
pub(super) struct Framing {
    /// What came of the frame under way: less than one frame with its length.
    partial: Vec<u8>,
    /// When its first byte came.
    partial_since: Option<Time>,
    /// Frames the sender may still send at once.
    allowance: u32,
    /// Up to when the allowance was earned.
    earned_until: Time,
}

impl Framing {
    /// Nothing has come yet.
    pub(super) fn new(now: Time) -> Self {
        Self {
            partial: Vec::new(),
            partial_since: None,
            allowance: FRAMES_BURST,
            earned_until: now,
        }
    }

    /// When the first byte of an unfinished frame came.
    pub(super) fn partial_since(&self) -> Option<Time> {
        self.partial_since
    }

    /// Takes from `bytes` what belongs to the next frame; gives the frame when it is complete, `None` when all of
    /// `bytes` is taken without completing one.
    ///
    /// # Errors
    /// [`CloseCode::Misbehaved`] for a frame too large, malformed, or one too many.
    pub(super) fn next_frame(
        &mut self,
        now: Time,
        bytes: &mut &[u8],
    ) -> Result<Option<Frame>, CloseCode> {
        self.take(bytes, FRAME_HEADER_BYTES);
        if let Some(header) = self.partial.first_chunk::<FRAME_HEADER_BYTES>() {
            let length =
                codec::frame_length(*header, FRAME_BYTES_MAX).map_err(|_| CloseCode::Misbehaved)?;
            self.take(bytes, FRAME_HEADER_BYTES + length);
            if self.partial.len() == FRAME_HEADER_BYTES + length {
                self.spend(now)?;
                let frame = Frame::read(&self.partial[FRAME_HEADER_BYTES..]);
                self.partial = Vec::new();
                self.partial_since = None;
                return frame.map(Some).map_err(|_| CloseCode::Misbehaved);
            }
        }
        if !self.partial.is_empty() {
            self.partial_since.get_or_insert(now);
        }
        Ok(None)
    }

    /// Moves bytes until `length` are there.
    fn take(&mut self, bytes: &mut &[u8], length: usize) {
        let missing = length.saturating_sub(self.partial.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at(missing);
        self.partial.extend_from_slice(taken);
        *bytes = rest;
    }

    /// Uses up one frame of the allowance.
    fn spend(&mut self, now: Time) -> Result<(), CloseCode> {
        let refill_ms = FRAMES_REFILL.as_millis().max(1);
        let earned = now.since(self.earned_until).as_millis() / refill_ms;
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.earned_until = if earned >= FRAMES_BURST - self.allowance {
            self.earned_until.max(now)
        } else {
            self.earned_until + FRAMES_REFILL * earned
        };
        self.allowance = self.allowance.saturating_add(earned).min(FRAMES_BURST);
        self.allowance = self.allowance.checked_sub(1).ok_or(CloseCode::Misbehaved)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(framing: &mut Framing, mut bytes: &[u8]) -> Result<Vec<Frame>, CloseCode> {
        let mut frames = Vec::new();
        while let Some(frame) = framing.next_frame(Time(0), &mut bytes)? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn frames_come_out_the_same_however_they_are_cut() {
        let frames = vec![Frame::Stranger, Frame::Speaks(Vec::new()), Frame::Stranger];
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::framed).collect();
        for cut in 0..=bytes.len() {
            let mut framing = Framing::new(Time(0));
            let mut read = read_all(&mut framing, &bytes[..cut]).expect("well-formed");
            read.extend(read_all(&mut framing, &bytes[cut..]).expect("well-formed"));
            assert_eq!(read, frames, "cut at {cut}");
            assert_eq!(framing.partial_since(), None);
        }
    }

    #[test]
    fn an_oversized_frame_is_refused_by_its_length_alone() {
        let mut framing = Framing::new(Time(0));
        let header = 16_385u32.to_be_bytes();
        assert_eq!(read_all(&mut framing, &header), Err(CloseCode::Misbehaved));
        let mut framing = Framing::new(Time(0));
        let header = 16_384u32.to_be_bytes();
        assert_eq!(read_all(&mut framing, &header), Ok(Vec::new()));
    }

    #[test]
    fn a_flood_of_frames_is_refused_and_a_trickle_is_not() {
        let mut framing = Framing::new(Time(0));
        let frame = Frame::Stranger.framed();
        let mut send = |now| framing.next_frame(now, &mut frame.as_slice()).map(|_| ());
        assert!((0..FRAMES_BURST).all(|_| send(Time(0)).is_ok()));
        assert_eq!(send(Time(0)), Err(CloseCode::Misbehaved));
        let mut now = Time(0) + FRAMES_REFILL * FRAMES_BURST;
        assert!((0..FRAMES_BURST).all(|_| send(now).is_ok()));
        for _ in 0..200 {
            now = now + FRAMES_REFILL;
            assert_eq!(send(now), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(chunks: Vec<Vec<u8>>) {
            let mut framing = Framing::new(Time(0));
            for chunk in &chunks {
                if read_all(&mut framing, chunk).is_err() {
                    break;
                }
                prop_assert!(framing.partial.len() <= FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
            }
        }
    }
}
