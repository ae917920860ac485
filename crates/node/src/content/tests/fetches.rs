//! The owner is shown who fetched what.

use std::time::Duration;

use kith_core::content::access::Asker;
use kith_core::ids::PeerId;
use kith_core::time::Time;

use super::world::{FRIEND, Fault, NOW, World, bytes};
use crate::content::fetches::FETCHERS_MAX;
use crate::content::{Credential, Fetch, Get, Recipients, Version};

/// Between two looks at what nothing tells of.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What is remembered, once so many bytes are: the provider writes it down after it has sent them.
pub(super) async fn remembered(world: &World, bytes: u64) -> Vec<Fetch> {
    let remembered = async {
        loop {
            let mine = world.shares.mine().expect("read");
            let fetches = mine.into_iter().flat_map(|mine| mine.fetches);
            let fetches: Vec<Fetch> = fetches.collect();
            if fetches.iter().map(|fetch| fetch.bytes).sum::<u64>() >= bytes {
                return fetches;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let remembered = tokio::time::timeout(Duration::from_secs(60), remembered);
    remembered.await.expect("written down in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_fetched_all_in_two_runs_is_remembered_as_having_it() {
    let mut world = World::new();
    world.write("big", &bytes(1, 12 << 20));
    world.write("small", &bytes(2, 1_000));
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(6 << 20);
    world.get(world.request(share)).await.expect_err("cut off");
    let partly = remembered(&world, 1 << 20).await;
    assert_eq!((partly.len(), partly[0].peer), (1, Some(FRIEND)));
    world.fault = Fault::None;
    world.get(world.request(share)).await.expect("fetched");
    let whole = remembered(&world, (12 << 20) + 1_000).await;
    let (first, last) = (NOW, NOW);
    assert_eq!((whole[0].first, whole[0].last), (first, last));
    assert_eq!(whole[0].whole, Some(NOW));
    world.shares.unshare(&share, NOW).expect("taken back");
    assert!(world.shares.mine().expect("read").is_empty());
    let rows: u32 = crate::content::store::run(world.shares.database(), |connection| {
        connection.query_row("SELECT count(*) FROM share_fetch", [], |row| row.get(0))
    })
    .expect("read");
    assert_eq!(rows, 0, "forgotten with the share");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stream_has_taken_counts_though_who_fetched_it_hangs_up_before_it_takes_more() {
    let mut world = World::new();
    world.write("last", &bytes(1, 16_000));
    let share = world.share(Recipients::Contacts).head.share;
    // With that it has enough for a quarter of a minute.
    world.rate = Some(1_000);
    world.get(world.request(share)).await.expect("fetched");
    let fetches = remembered(&world, 16_000).await;
    assert_eq!((fetches[0].bytes, fetches[0].whole), (16_000, Some(NOW)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_a_share_is_not_the_whole_and_a_link_holder_is_nobody_by_name() {
    let mut world = World::new();
    world.write("a/one", &bytes(1, 50_000));
    world.write("b/two", &bytes(2, 50_000));
    let shared = world.share(Recipients::Link);
    world.asker = Asker::STRANGER;
    let request = Get {
        path: "a".to_owned(),
        credential: Credential::Link(shared.link.expect("a link")),
        ..world.request(shared.head.share)
    };
    world.get(request).await.expect("fetched");
    let remembered = remembered(&world, 50_000).await;
    let expected = Fetch {
        peer: None,
        bytes: 50_000,
        first: NOW,
        last: NOW,
        whole: None,
    };
    assert_eq!(remembered, [expected]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_version_is_whole_by_its_own_bytes() {
    let world = World::new();
    world.write("kept", &bytes(1, 50_000));
    let old = world.share(Recipients::Contacts).head;
    world.write("new", &bytes(2, 50_000));
    let newer = world.shares.rescan(&old.share, NOW).expect("read");
    assert!(newer.is_some());
    let request = Get {
        at: Some(old.manifest),
        ..world.request(old.share)
    };
    world.get(request).await.expect("its file is there");
    let of_old = remembered(&world, 50_000).await;
    assert_eq!((of_old[0].bytes, of_old[0].whole), (50_000, Some(NOW)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_the_newest_is_not_the_whole_of_it_because_a_past_version_is_as_small() {
    let world = World::new();
    world.write("a", &bytes(1, 50_000));
    let old = world.share(Recipients::Contacts).head;
    world.write("b", &bytes(2, 50_000));
    world.shares.rescan(&old.share, NOW).expect("read");
    let request = Get {
        path: "a".to_owned(),
        ..world.request(old.share)
    };
    world.get(request).await.expect("fetched");
    let of_newest = remembered(&world, 50_000).await;
    assert_eq!((of_newest[0].bytes, of_newest[0].whole), (50_000, None));
}

#[test]
fn the_latest_fetchers_are_remembered_and_no_more() {
    let world = World::new();
    world.write("f", b"x");
    let head = world.share(Recipients::Public).head;
    let version = Version {
        share: head.share,
        manifest: head.manifest,
        size: head.totals.bytes,
    };
    for number in 0..FETCHERS_MAX + 10 {
        let mut peer = [0; 32];
        peer[..4].copy_from_slice(&number.to_be_bytes());
        let at = Time(NOW.0 + u64::from(number));
        let recorded = world.shares.record(&version, Some(PeerId(peer)), 1, at);
        recorded.expect("written");
    }
    let mine = world.shares.mine().expect("read");
    let fetches = &mine[0].fetches;
    assert_eq!(fetches.len(), FETCHERS_MAX as usize);
    let latest = u64::from(FETCHERS_MAX + 9);
    assert_eq!(fetches[0].last, Time(NOW.0 + latest));
}
