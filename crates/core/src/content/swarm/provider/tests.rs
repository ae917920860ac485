//! What a provider promises, seen from outside.

mod parts;
mod streams;

use std::time::Duration;

use super::{AskerId, CloseReason, Output, Provider, SnapshotId};
use crate::address::Route;
use crate::content::providers::Heard;
use crate::content::referral::Referral;
use crate::content::swarm::config::{
    PLACE_FOR, PLACE_IDLE_FOR, PLACES, REFERRALS_MAX, REFERRED_AGAIN_AFTER, SERVING_EACH_MAX,
};
use crate::content::swarm::span::{CHUNK_BYTES_MIN as CHUNK, Span};
use crate::content::swarm::wire::{
    Ask, AskerMessage, DropReason, PROVIDERS_MAX, ProviderMessage, REQUESTS_MAX, Run, What,
};
use crate::content::swarm::{Holdings, ProviderConfig};
use crate::ids::{BlobHash, DeviceKey};
use crate::time::Time;

const S: SnapshotId = SnapshotId(1);
const CHUNKS: u32 = 400;

struct Bench {
    provider: Provider,
    now: Time,
    outputs: Vec<Output>,
}

impl Bench {
    fn new(config: ProviderConfig, held: Holdings) -> Self {
        let now = Time(1_000_000);
        let mut provider = Provider::new(config, [3; 32], now);
        provider.handle_snapshot(now, S, u64::from(CHUNKS) * CHUNK, held);
        Self {
            provider,
            now,
            outputs: Vec::new(),
        }
    }

    fn whole() -> Self {
        Self::new(ProviderConfig::default(), Holdings::all(CHUNKS))
    }

    /// An asker of its own device that is interested.
    fn asker(&mut self, id: u64) -> AskerId {
        let asker = AskerId(id);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&id.to_be_bytes());
        self.provider
            .handle_asker(self.now, asker, DeviceKey(key), S);
        self.say(asker, AskerMessage::Interest(true));
        asker
    }

    fn say(&mut self, asker: AskerId, message: AskerMessage) {
        self.provider.handle_message(self.now, asker, message);
        self.drain();
    }

    fn request(&mut self, asker: AskerId, ids: std::ops::Range<u64>) {
        let asks = ids.map(|id| chunk(id, id as u32 % CHUNKS)).collect();
        self.say(asker, AskerMessage::Request(asks));
    }

    fn drain(&mut self) {
        while let Some(output) = self.provider.poll_output() {
            self.outputs.push(output);
        }
    }

    fn pass(&mut self, until: Time) {
        while let Some(at) = self.provider.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.provider.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// What is being served and not done, in order.
    fn serving(&self) -> Vec<(AskerId, u64)> {
        (self.outputs.iter())
            .filter_map(|output| match output {
                Output::Serve { asker, ask, .. } => Some((*asker, ask.id)),
                _ => None,
            })
            .collect()
    }

    fn said(&self, to: AskerId, what: &ProviderMessage) -> bool {
        self.outputs.iter().any(
            |output| matches!(output, Output::Send { asker, message } if *asker == to && message == what),
        )
    }

    /// Whom anybody was told of, in order.
    fn referred(&self) -> Vec<&Referral> {
        let told = self.outputs.iter().filter_map(|output| match output {
            Output::Send {
                message: ProviderMessage::Providers(told),
                ..
            } => Some(told),
            _ => None,
        });
        told.flatten().collect()
    }

    fn closed(&self, id: AskerId) -> Option<CloseReason> {
        self.outputs.iter().find_map(|output| match output {
            Output::Close { asker, reason } if *asker == id => Some(*reason),
            _ => None,
        })
    }
}

fn chunk(id: u64, chunk: u32) -> Ask {
    let start = u64::from(chunk) * CHUNK;
    let end = start + CHUNK;
    Ask {
        id,
        what: What::Span(Span { start, end }),
    }
}

fn referral(number: u8) -> Referral {
    Referral::new(Some(Route::new(DeviceKey([number; 32]))), None)
}

fn heard(referral: Referral, at: Time) -> Heard {
    Heard { referral, at }
}

fn dropped(ids: Vec<u64>, reason: DropReason) -> ProviderMessage {
    ProviderMessage::Dropped { ids, reason }
}

#[test]
fn a_newcomer_is_told_what_is_held_and_then_what_is_new() {
    let mut bench = Bench::new(ProviderConfig::default(), Holdings::none(CHUNKS));
    bench.provider.handle_held(bench.now, S, 5);
    let asker = bench.asker(1);
    let mut held = Holdings::none(CHUNKS);
    held.insert(5);
    let bits = held.to_bytes().into();
    assert!(bench.said(asker, &ProviderMessage::Holdings(bits)));
    for chunk in [8, 6, 7, 7, 5] {
        bench.provider.handle_held(bench.now, S, chunk);
    }
    bench.pass(bench.now + PLACE_FOR);
    let run = Run { first: 6, count: 3 };
    assert!(bench.said(asker, &ProviderMessage::Have(vec![run])));
    assert_eq!(bench.provider.poll_timeout(), None);
}

#[test]
fn only_what_is_held_is_served() {
    let mut held = Holdings::none(CHUNKS);
    held.insert(1);
    let mut bench = Bench::new(ProviderConfig::default(), held);
    let asker = bench.asker(1);
    let asks = vec![chunk(1, 1), chunk(2, 2)];
    bench.say(asker, AskerMessage::Request(asks));
    assert_eq!(bench.serving(), [(asker, 1)]);
    assert!(bench.said(asker, &dropped(vec![2], DropReason::Missing)));
}

#[test]
fn turns_go_around_and_each_has_few_under_way() {
    let mut bench = Bench::whole();
    let askers = [bench.asker(1), bench.asker(2)];
    bench.request(askers[0], 0..40);
    bench.request(askers[1], 0..40);
    assert_eq!(bench.serving().len(), 2 * SERVING_EACH_MAX);
    for turn in 0..20 {
        for asker in askers {
            bench.provider.handle_served(bench.now, asker, turn);
        }
    }
    bench.drain();
    let first = |it: &&(AskerId, u64)| it.0 == askers[0];
    let (all, mine) = (
        bench.serving().len(),
        bench.serving().iter().filter(first).count(),
    );
    assert_eq!((all, mine), (44, 22));
}

#[test]
fn a_flood_of_requests_costs_the_asker_its_stream_and_nobody_else() {
    let mut bench = Bench::whole();
    let (flood, other) = (bench.asker(1), bench.asker(2));
    for round in 0..3 {
        bench.request(flood, round * 50..(round + 1) * 50);
    }
    assert_eq!(bench.closed(flood), Some(CloseReason::Breach));
    assert!(bench.serving().len() <= SERVING_EACH_MAX);
    bench.request(other, 0..REQUESTS_MAX as u64);
    assert_eq!(bench.closed(other), None);
}

#[test]
fn requests_out_of_range_and_crooked_ones_are_a_breach() {
    let crooked = |start, end| {
        let what = What::Span(Span { start, end });
        AskerMessage::Request(vec![Ask { id: 1, what }])
    };
    let end = u64::from(CHUNKS) * CHUNK;
    for message in [
        crooked(0, CHUNK + 1),
        crooked(end, end + 1),
        crooked(u64::MAX - 1, u64::MAX),
        crooked(7, 7),
        crooked(9, 3),
        crooked(end - 1, end + 1),
        crooked(u64::MAX, 0),
        AskerMessage::Request(vec![chunk(1, 0), chunk(1, 1)]),
        AskerMessage::Request(Vec::new()),
    ] {
        let mut bench = Bench::whole();
        let asker = bench.asker(1);
        bench.say(asker, message.clone());
        assert_eq!(
            bench.closed(asker),
            Some(CloseReason::Breach),
            "{message:?}"
        );
    }
}

#[test]
fn places_go_around_among_those_who_wait() {
    let mut bench = Bench::whole();
    let askers: Vec<AskerId> = (0..PLACES as u64 + 1).map(|id| bench.asker(id)).collect();
    let last = askers[PLACES];
    assert!(!bench.said(last, &ProviderMessage::Free));
    bench.request(last, 0..1);
    assert!(bench.said(last, &dropped(vec![0], DropReason::Busy)));
    for asker in &askers[..PLACES] {
        bench.request(*asker, 0..10);
    }
    bench.pass(bench.now + PLACE_FOR);
    assert!(bench.said(last, &ProviderMessage::Free));
    let left = askers
        .iter()
        .filter(|it| bench.said(**it, &ProviderMessage::Busy));
    assert_eq!(left.count(), 1);
}

#[test]
fn a_place_that_is_not_used_goes_to_who_waits() {
    let mut bench = Bench::whole();
    let askers: Vec<AskerId> = (0..PLACES as u64 + 1).map(|id| bench.asker(id)).collect();
    bench.pass(bench.now + PLACE_IDLE_FOR);
    assert!(bench.said(askers[PLACES], &ProviderMessage::Free));
    let mut bench = Bench::whole();
    let askers: Vec<AskerId> = (0..PLACES as u64 + 1).map(|id| bench.asker(id)).collect();
    bench.say(askers[0], AskerMessage::Interest(false));
    assert!(bench.said(askers[PLACES], &ProviderMessage::Free));
}

#[test]
fn what_is_cancelled_is_dropped_unless_it_has_begun() {
    let mut bench = Bench::whole();
    let asker = bench.asker(1);
    bench.request(asker, 0..5);
    bench.say(asker, AskerMessage::Cancel(vec![0, 3, 4, 77]));
    assert!(bench.said(asker, &dropped(vec![3, 4], DropReason::Cancelled)));
    for id in 0..5 {
        bench.provider.handle_served(bench.now, asker, id);
    }
    bench.drain();
    assert_eq!(bench.serving(), [(asker, 0), (asker, 1), (asker, 2)]);
}

#[test]
fn each_chunk_is_suggested_to_one_asker_only() {
    let mut bench = Bench::whole();
    for id in 0..4 {
        bench.asker(id);
    }
    let mut suggested: Vec<u32> = (bench.outputs.iter())
        .filter_map(|output| match output {
            Output::Send {
                message: ProviderMessage::Suggest(chunks),
                ..
            } => Some(chunks.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let count = suggested.len();
    suggested.sort_unstable();
    suggested.dedup();
    assert!(count >= 32 && suggested.len() == count, "{count}");
}

#[test]
fn a_share_withdrawn_is_gone_for_all_and_unknown_ones_always_were() {
    let mut bench = Bench::whole();
    let asker = bench.asker(1);
    bench.request(asker, 0..9);
    bench.provider.handle_withdrawn(bench.now, S);
    bench.drain();
    assert!(bench.said(asker, &ProviderMessage::Gone));
    assert_eq!(bench.closed(asker), Some(CloseReason::Gone));
    let late = bench.asker(2);
    assert!(bench.said(late, &ProviderMessage::Gone));
    assert_eq!(bench.closed(late), Some(CloseReason::Gone));
}

#[test]
fn a_changed_file_is_told_and_referrals_come_in_bounded_messages() {
    let mut bench = Bench::whole();
    let asker = bench.asker(1);
    bench.request(asker, 3..4);
    bench
        .provider
        .handle_failed(bench.now, asker, 3, DropReason::Changed);
    let many: Vec<Heard> = (1..=PROVIDERS_MAX as u8 + 1)
        .map(|number| heard(referral(number), bench.now))
        .collect();
    for _ in 0..2 {
        // The second time it is no news.
        bench.provider.handle_referrals(bench.now, asker, &many);
    }
    bench.drain();
    assert!(bench.said(asker, &dropped(vec![3], DropReason::Changed)));
    let told = |output: &&Output| {
        matches!(output, Output::Send { message, .. }
            if matches!(message, ProviderMessage::Providers(_)) && message.is_bounded())
    };
    assert_eq!(bench.outputs.iter().filter(told).count(), 2);
    let node = Ask {
        id: 9,
        what: What::Node(BlobHash([1; 32])),
    };
    bench.say(asker, AskerMessage::Request(vec![node]));
    assert!(bench.serving().contains(&(asker, 9)));
}

#[test]
fn an_asker_is_told_of_many_others_and_not_without_end_nor_of_itself() {
    let mut bench = Bench::whole();
    let asker = bench.asker(1);
    let mut own = [0; 32];
    own[..8].copy_from_slice(&asker.0.to_be_bytes());
    let itself = Referral::new(None, Some(Route::new(DeviceKey(own))));
    let others = (100..=u8::MAX).map(referral);
    for referral in std::iter::once(itself.clone()).chain(others) {
        let heard = heard(referral, bench.now);
        bench.provider.handle_referrals(bench.now, asker, &[heard]);
    }
    bench.drain();
    let told = bench.referred();
    assert_eq!(told.len(), REFERRALS_MAX);
    assert!(!told.contains(&&itself));
}

#[test]
fn one_who_begins_to_provide_again_is_named_again_and_not_for_each_word() {
    let mut bench = Bench::whole();
    let asker = bench.asker(1);
    let mut tell = |seconds, times: usize| {
        let at = bench.now + Duration::from_secs(seconds);
        let heard = heard(referral(7), at);
        bench.provider.handle_referrals(at, asker, &[heard]);
        bench.drain();
        assert_eq!(bench.referred().len(), times, "after {seconds} s");
    };
    let again = REFERRED_AGAIN_AFTER.as_secs();
    tell(0, 1);
    tell(again - 1, 1);
    tell(again, 2);
    tell(again + 1, 2);
    tell(2 * again, 3);
}
