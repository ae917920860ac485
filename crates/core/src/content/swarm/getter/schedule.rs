//! Who is asked for what, now.
//!
//! Devices are asked in the order of preference: the local network, then direct paths, then relays, and of each kind the fastest first.
//! Each is asked for as much as its path holds, from the transfer that had least so far among those it can serve, as long as what is under
//! way fits the bounds: what a slow disk does not write, a fast network is not asked for.

use std::cmp::Reverse;

use super::output::{Output, SourceId};
use super::source::Pending;
use super::state::Getter;
use super::transfer::Transfer;
use crate::content::swarm::config::RANDOM_FIRST_CHUNKS;
use crate::content::swarm::wire::{Ask, AskerMessage, REQUESTS_MAX, What};
use crate::ids::{BlobHash, DeviceKey};

/// Of a reader's window, so many chunks are asked of a second source where the first is slow: those it will wait for next.
const URGENT_CHUNKS: usize = 4;

/// Of a reader's window, so many chunks go before everything else: 64 MiB of the smallest, which no player reads ahead.
const WINDOW_CHUNKS_MAX: usize = 256;

/// What to ask a source for.
enum Choice {
    Chunk(u32),
    Node(BlobHash),
}

impl Getter {
    /// Asks for all that may be asked for, and sends what is to be said.
    pub(super) fn schedule(&mut self) {
        for device in self.stirred_in_order() {
            while self.ask_device(device) {}
        }
        while let Some(id) = self.touched.pop_first() {
            self.speak(id);
        }
    }

    fn stirred_in_order(&mut self) -> Vec<DeviceKey> {
        let mut devices: Vec<_> = std::mem::take(&mut self.stirred)
            .into_iter()
            .filter_map(|device| {
                let pace = &self.links.get(&device)?.pace;
                Some((pace.kind(), Reverse(pace.rate()), device))
            })
            .collect();
        devices.sort_unstable();
        devices.into_iter().map(|(.., device)| device).collect()
    }

    /// Asks a device for one thing more. Says whether there was anything.
    fn ask_device(&mut self, device: DeviceKey) -> bool {
        let under_way = self.outstanding.saturating_add(self.unwritten);
        self.is_full = under_way >= self.config.unwritten_bytes_max;
        if self.is_full {
            return false;
        }
        let Some(link) = self.links.get(&device) else {
            return false;
        };
        // What a stream that is passed by does not bring keeps no other from being asked.
        let under_way = link.outstanding.saturating_sub(self.stuck_bytes(link));
        let mut ready: Vec<_> = (link.sources.iter())
            .filter_map(|id| {
                let source = self.sources.get(id)?;
                let transfer = self.transfers.get(&source.transfer)?;
                let is_ready = source.is_ready()
                    && source.requests.len() < REQUESTS_MAX
                    && under_way < link.pace.depth(transfer.tiling.chunk_bytes());
                // Of several streams to one transfer that which has least to do.
                let owed = match link.sources.len() {
                    0 | 1 => 0,
                    _ => source.owed_bytes(),
                };
                is_ready.then_some((transfer.spent, owed, *id))
            })
            .collect();
        if ready.is_empty() {
            return false;
        }
        ready.sort_unstable();
        for (.., id) in ready {
            if let Some(choice) = self.choose(id) {
                self.relieve(id, &choice);
                self.ask(id, &choice);
                return true;
            }
            if let Some(source) = self.sources.get_mut(&id) {
                source.has_nothing = true;
                self.touched.insert(id);
            }
        }
        false
    }

    /// What to ask this source for.
    fn choose(&mut self, id: SourceId) -> Option<Choice> {
        let source = self.sources.get(&id)?;
        let transfer = self.transfers.get(&source.transfer)?;
        let node = (transfer.nodes.iter())
            .find(|(node, asked)| asked.is_none() && !source.lacks.contains(node));
        if let Some((node, _)) = node {
            return Some(Choice::Node(*node));
        }
        if let Some(chunk) = self.next_in_windows(id, transfer) {
            return Some(Choice::Chunk(chunk));
        }
        let held = &source.holdings;
        // A provider knows what it gives to others, and not what is wanted sooner here.
        let most = transfer.picker.most_wanted(held);
        let suggested = (source.suggested.iter()).find(|chunk| {
            held.contains(**chunk) && most.is_some() && transfer.picker.priority(**chunk) == most
        });
        if let Some(chunk) = suggested {
            return Some(Choice::Chunk(*chunk));
        }
        let is_first = transfer.whole.count() < RANDOM_FIRST_CHUNKS;
        let open = if is_first {
            transfer.picker.any(held, &mut self.random)
        } else {
            transfer.picker.rarest(held, &mut self.random)
        };
        open.or_else(|| self.end_game(id)).map(Choice::Chunk)
    }

    /// The first chunk of a reader's window that this source can bring, or bring sooner than who was asked.
    fn next_in_windows(&self, id: SourceId, transfer: &Transfer) -> Option<u32> {
        let held = &self.sources.get(&id)?.holdings;
        transfer.windows.values().find_map(|window| {
            let mut waiting = 0;
            let chunks = transfer.tiling.touched(*window);
            chunks.take(WINDOW_CHUNKS_MAX).find(|chunk| {
                let is_unfinished = transfer.unfinished.contains(*chunk);
                waiting += usize::from(is_unfinished);
                is_unfinished
                    && held.contains(*chunk)
                    && (transfer.picker.is_open(*chunk)
                        || (waiting <= URGENT_CHUNKS && self.is_sooner(id, *chunk, transfer)))
            })
        })
    }

    /// Has whoever waits to send a chunk leave it to the source that is asked for it now.
    fn relieve(&mut self, id: SourceId, choice: &Choice) {
        let Choice::Chunk(chunk) = choice else {
            return;
        };
        let Some(transfer_id) = self.sources.get(&id).map(|source| source.transfer) else {
            return;
        };
        let transfer = self.transfers.get(&transfer_id);
        let relieved = transfer.map(|transfer| self.relieved(*chunk, transfer));
        for other in relieved.into_iter().flatten() {
            self.cancel(other, Some(*chunk));
            if let Some(transfer) = self.transfers.get_mut(&transfer_id) {
                transfer.unask(*chunk, other);
            }
        }
    }

    fn ask(&mut self, id: SourceId, choice: &Choice) {
        let now = self.now;
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(transfer) = self.transfers.get_mut(&source.transfer) else {
            return;
        };
        let (wanted, chunk) = match choice {
            Choice::Node(node) => {
                transfer.nodes.insert(*node, Some(id));
                (vec![(What::Node(*node), 0, 0)], None)
            }
            Choice::Chunk(chunk) => {
                let mut missing = transfer.missing_at(*chunk, &source.edges);
                missing.truncate(REQUESTS_MAX - source.requests.len().min(REQUESTS_MAX));
                transfer.ask(*chunk, id);
                let spans = missing.into_iter();
                let wanted = spans.map(|span| (What::Span(span), span.start, span.end));
                (wanted.collect::<Vec<_>>(), Some(*chunk))
            }
        };
        if !source.owes() {
            source.progress_at = now;
        }
        let mut bytes = 0;
        for (what, start, end) in wanted {
            let request = self.next_request;
            self.next_request += 1;
            let pending = Pending {
                what,
                chunk,
                reached: start,
                announced: start,
                end,
                reckoned: transfer.node_bytes,
                is_cancelled: false,
            };
            bytes += pending.bytes_left();
            source.requests.insert(request, pending);
            source.asks.push(Ask { id: request, what });
        }
        transfer.spent = transfer.spent.saturating_add(bytes);
        self.outstanding = self.outstanding.saturating_add(bytes);
        if let Some(link) = self.links.get_mut(&source.who.device) {
            if link.outstanding == 0 {
                link.pace.begin(now);
            }
            link.outstanding = link.outstanding.saturating_add(bytes);
            if source.alarm.is_none() {
                let at = now + link.pace.patience(transfer.tiling.chunk_bytes());
                source.alarm = Some(at);
                self.agenda.insert((at, id));
            }
        }
        self.touched.insert(id);
    }

    /// Tells a source what is to be told: interest, cancels, requests.
    fn speak(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(transfer) = self.transfers.get(&source.transfer) else {
            return;
        };
        let has_nodes = (transfer.nodes.keys()).any(|node| !source.lacks.contains(node));
        let is_interesting = source.owes()
            || has_nodes
            || transfer
                .unfinished
                .first_common(&source.holdings, 0)
                .is_some();
        let mut messages = Vec::new();
        if is_interesting != source.is_interesting {
            source.is_interesting = is_interesting;
            messages.push(AskerMessage::Interest(is_interesting));
        }
        let asks = std::mem::take(&mut source.asks);
        let cancels = std::mem::take(&mut source.cancels);
        let requests = asks.chunks(REQUESTS_MAX);
        messages.extend(requests.map(|asks| AskerMessage::Request(asks.to_vec())));
        let cancels = cancels.chunks(REQUESTS_MAX);
        messages.extend(cancels.map(|ids| AskerMessage::Cancel(ids.to_vec())));
        let sends = messages.into_iter().map(|message| Output::Send {
            source: id,
            message,
        });
        self.outputs.extend(sends);
    }
}
