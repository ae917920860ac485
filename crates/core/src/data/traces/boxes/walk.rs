//! The way through a file of boxes, from the outermost on, and what is wanted of it.

use std::ops::Range;

use super::super::cursor::Keep;
use super::super::exif::Traces;
use super::apart::Lying;
use super::film;
use super::items::{self, Removed};
use super::part::{HEAD_BYTES_MAX, Head};
use super::plan::Plan;
use super::rules::FREE;
use super::telling::told_by;

/// The most boxes that are in no other: films that do not come in fragments have some ten.
const TOPS_MAX: usize = 256;

/// How much of a file is held in memory, in bytes: the tables of a film of some twenty hours.
pub const HELD_BYTES_MAX: u64 = 32 << 20;

/// A box that is in no other.
#[derive(Debug)]
struct Top {
    head: Head,
    start: u64,
    /// Its content, of those that are looked through.
    held: Option<Vec<u8>>,
}

impl Top {
    fn end(&self) -> u64 {
        self.start + self.head.bytes
    }

    fn content(&self) -> Range<u64> {
        self.start + self.head.head_bytes..self.end()
    }

    fn is(&self, kind: &[u8; 4]) -> bool {
        self.head.kind == *kind
    }

    fn is_free(&self) -> bool {
        FREE.iter().any(|kind| self.is(kind))
    }
}

/// What is read next.
#[derive(Debug)]
enum Next {
    /// The beginning of a box.
    Head(u64),
    /// The content of the last one.
    Content(Range<u64>),
    /// A piece of the last of the items that go, and what was read of it.
    Item(usize, Vec<u8>),
    /// Nothing.
    End(Option<Plan>),
}

/// The way through a file: whoever has it reads what is wanted and gives it, until nothing is.
///
/// ```text
/// while let Some(range) = walk.wants() { walk.give(&read(range)) }
/// walk.plan()
/// ```
#[derive(Debug)]
pub struct Walk {
    size: u64,
    next: Next,
    tops: Vec<Top>,
    /// How much may still be held.
    room: u64,
    items: Vec<Removed>,
    plan: Plan,
    lying: Lying,
}

/// Whether these may be the first bytes of a file of boxes.
pub fn begins(file: &[u8]) -> bool {
    file.get(4..8) == Some(b"ftyp")
}

impl Walk {
    /// Through a file of so many bytes.
    pub fn new(size: u64) -> Self {
        Self {
            size,
            next: Next::Head(0),
            tops: Vec::new(),
            room: HELD_BYTES_MAX,
            items: Vec::new(),
            plan: Plan::default(),
            lying: Lying::default(),
        }
    }

    /// Which bytes are to be given next: no more than [`HELD_BYTES_MAX`] at once, and half of that beside it. `None` at the end.
    pub fn wants(&self) -> Option<Range<u64>> {
        match &self.next {
            Next::Head(at) => Some(*at..self.size.min(at.saturating_add(HEAD_BYTES_MAX))),
            Next::Content(range) => Some(range.clone()),
            Next::Item(piece, _) => self.items.last()?.pieces.get(*piece).cloned(),
            Next::End(_) => None,
        }
    }

    /// Gives what was wanted. Others than so many are a file that has become another: nothing is known of it.
    pub fn give(&mut self, bytes: &[u8]) {
        let wanted = self.wants();
        let is_all = wanted.is_some_and(|range| range.end - range.start == bytes.len() as u64);
        let next = is_all.then(|| self.step(bytes)).flatten();
        self.next = next.unwrap_or(Next::End(None));
    }

    /// What the file says, and what is written over; `None` where it is not known entirely.
    pub fn plan(self) -> Option<Plan> {
        match self.next {
            Next::End(plan) => plan,
            _ => None,
        }
    }

    fn step(&mut self, bytes: &[u8]) -> Option<Next> {
        match std::mem::replace(&mut self.next, Next::End(None)) {
            Next::Head(start) => {
                let head = Head::read(bytes, self.size - start)?;
                let held = None;
                let top = Top { head, start, held };
                if self.tops.len() == TOPS_MAX || (start == 0 && !top.is(b"ftyp")) {
                    return None;
                }
                let is_passed = top.is(b"ftyp") || top.is(b"mdat") || top.is_free();
                let (content, end) = (top.content(), top.end());
                self.tops.push(top);
                if is_passed {
                    return self.after(end);
                }
                let bytes = content.end - content.start;
                self.room = self.room.checked_sub(bytes)?;
                if bytes > 0 {
                    return Some(Next::Content(content));
                }
                self.hold(&[])
            }
            Next::Content(_) => self.hold(bytes),
            Next::Item(piece, mut content) => {
                content.extend(bytes);
                if self.items.last()?.pieces.len() > piece + 1 {
                    return Some(Next::Item(piece + 1, content));
                }
                let replaced = self.items.pop()?.replace(&content, &mut self.plan.traces);
                self.plan.written.extend(replaced);
                self.after_items()
            }
            Next::End(_) => None,
        }
    }

    fn hold(&mut self, content: &[u8]) -> Option<Next> {
        let top = self.tops.last_mut()?;
        top.held = Some(content.to_vec());
        let end = top.end();
        self.after(end)
    }

    /// What comes after a box that ends there.
    fn after(&mut self, end: u64) -> Option<Next> {
        if end < self.size {
            return Some(Next::Head(end));
        }
        self.look_inside()?;
        self.after_items()
    }

    /// Looks at what is held.
    fn look_inside(&mut self) -> Option<()> {
        let (mut films, mut pictures) = (0, 0);
        for top in &mut self.tops {
            let (content, traces) = (top.content(), &mut self.plan.traces);
            let Some(mut held) = top.held.take() else {
                if top.is_free() {
                    self.plan.zeros.push(content);
                }
                continue;
            };
            if top.is(b"moof") {
                // The parts of a film lie in fragments.
                return None;
            } else if top.is(b"moov") {
                films += 1;
                film::bare(&mut held, &mut self.lying, traces)?;
                self.plan.written.push((content.start, held));
            } else if top.is(b"meta") && items::are_in(&held) {
                pictures += 1;
                self.items = items::bare(&mut held, &mut self.lying, traces)?;
                self.plan.written.push((content.start, held));
            } else {
                traces.add(told_by(&top.head.kind));
                traces.add(told_by(&held));
                self.plan.written.push((top.start + 4, b"free".to_vec()));
                self.plan.zeros.push(content);
            }
        }
        self.items.retain(|item| !item.pieces.is_empty());
        let is_inside = |item: &Removed| item.pieces.iter().all(|piece| piece.end <= self.size);
        let is_all_inside = self.items.iter().all(is_inside);
        // More would contradict each other.
        (films <= 1 && pictures <= 1 && is_all_inside).then_some(())
    }

    fn after_items(&mut self) -> Option<Next> {
        if !self.items.is_empty() {
            return Some(Next::Item(0, Vec::new()));
        }
        let lying = std::mem::take(&mut self.lying);
        if lying.kept.is_empty() {
            return None;
        }
        let media = self.tops.iter().filter(|top| top.is(b"mdat"));
        let media: Vec<_> = media.map(Top::content).collect();
        let mut plan = std::mem::take(&mut self.plan);
        plan.zeros.extend(lying.gaps(&media)?);
        plan.zeros.retain(|zeros| !zeros.is_empty());
        plan.zeros.sort_unstable_by_key(|zeros| zeros.start);
        Some(Next::End(Some(plan)))
    }
}

/// What is told of a file in memory, and written over in it.
fn through(file: &[u8]) -> Option<Plan> {
    let mut walk = Walk::new(file.len() as u64);
    while let Some(range) = walk.wants() {
        let place = |at| usize::try_from(at).ok();
        walk.give(file.get(place(range.start)?..place(range.end)?)?);
    }
    walk.plan()
}

/// Hands on what stays of the file, and gives what it says.
pub(in crate::data::traces) fn without(file: &[u8], keep: Keep<'_>) -> Option<Traces> {
    let plan = through(file)?;
    let mut at = 0;
    for piece in file.chunks(PIECE_BYTES) {
        let mut piece = piece.to_vec();
        plan.apply(at, &mut piece);
        keep(&piece);
        at += piece.len() as u64;
    }
    Some(plan.traces)
}

/// How much is copied at once, in bytes.
const PIECE_BYTES: usize = 1 << 20;
