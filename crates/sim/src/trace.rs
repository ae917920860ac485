//! The trace of a run: a line for everything that happened, hashed as it is written.
//!
//! Two runs with one seed have one trace, byte for byte; so have runs with real and with simulated signatures, because
//! lines tell of sizes and names, never of the bytes of a signature.

use std::collections::VecDeque;
use std::fmt;

use kith_core::time::Time;

/// Lines that are kept to be shown when a check fails.
const TAIL_LINES_MAX: usize = 60;

/// What happened so far.
#[derive(Clone, Debug)]
pub struct Trace {
    hasher: blake3::Hasher,
    lines: u64,
    tail: VecDeque<String>,
    /// Every byte, where somebody wants to see them.
    whole: Option<String>,
}

impl Trace {
    /// An empty trace; `whole` keeps all of it in memory.
    pub fn new(whole: bool) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            lines: 0,
            tail: VecDeque::new(),
            whole: whole.then(String::new),
        }
    }

    /// Adds a line.
    pub fn write(&mut self, now: Time, what: fmt::Arguments<'_>) {
        let line = format!("{:>10} {what}", now.0.saturating_sub(crate::event::EPOCH.0));
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        self.lines += 1;
        if let Some(whole) = &mut self.whole {
            whole.push_str(&line);
            whole.push('\n');
        }
        if self.tail.len() == TAIL_LINES_MAX {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// The hash of all lines, in hex.
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines.
    pub fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    /// All lines, when they were to be kept.
    pub fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_different_byte_gives_another_hash() {
        let mut traces = [Trace::new(true), Trace::new(false), Trace::new(false)];
        for (trace, text) in traces.iter_mut().zip(["a", "a", "b"]) {
            trace.write(crate::event::EPOCH, format_args!("{text}"));
        }
        assert_eq!(traces[0].hash(), traces[1].hash());
        assert_ne!(traces[0].hash(), traces[2].hash());
        assert_eq!(traces[0].whole(), Some("         0 a\n"));
    }
}
