//! Who of several providers gives to a transfer: all at once; and who was lost, or has nothing yet, is tried again after a pause, and when
//! somebody says anew that they have it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kith_core::routing::Target;
use tokio::sync::{Notify, mpsc};
use tracing::debug;

use crate::content::swarm::SourceEnd;
use crate::content::{GetError, Provider};

/// The pause before a provider is tried again that was lost while others give, doubled each time,
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How often a provider that has nothing is tried again while others give: half a minute in all. One who was heard of may be just about to fetch
/// it too, and one who will never have it is not asked for ever.
const RETURNS_MAX: u32 = 5;

/// A provider, and how often it was lost in a row.
struct Attempt {
    provider: Provider,
    losses: u32,
}

/// What a search for providers brings.
#[derive(Debug)]
pub(super) enum Found {
    /// One.
    Provider(Provider),
    /// All who can be found now have been told.
    Looked,
}

/// Attends to providers, to those known from the beginning and to those that are found meanwhile, all at once. One that had nothing any more and
/// is found again is begun with again. Ends with what the last of them said when nobody is left, or when everybody is lost; and with a fault of its
/// own not before it was looked who else there is.
pub(super) async fn run<Attending>(
    known: Vec<Provider>,
    found: &mut mpsc::UnboundedReceiver<Found>,
    attend: impl Fn(Provider) -> Attending,
) -> GetError
where
    Attending: Future<Output = SourceEnd>,
{
    let begin = |attempt: Attempt| {
        let attending = attend(attempt.provider.clone());
        async move { (attempt, attending.await) }
    };
    // Who is not begun with when they are found.
    let mut begun_with: BTreeSet<Vec<Target>> = known.iter().map(|it| it.targets.clone()).collect();
    let first = known.into_iter().map(Attempt::first);
    let mut attempts: FuturesUnordered<_> = first.map(begin).collect();
    let (hurry, patience) = (Notify::new(), Notify::new());
    let (mut pauses, mut returns) = (FuturesUnordered::new(), FuturesUnordered::new());
    // Whether it was looked who else there is, and what the last one did before.
    let (mut is_looked, mut last) = (false, SourceEnd::Gone);
    loop {
        let attempt = tokio::select! {
            biased;
            Some(found) = found.recv() => match found {
                Found::Provider(provider) if begun_with.insert(provider.targets.clone()) => {
                    Attempt::first(provider)
                }
                Found::Provider(_) => continue,
                Found::Looked if last.is_its_fault() && attempts.is_empty() && pauses.is_empty() => {
                    return last.into();
                }
                Found::Looked => {
                    is_looked = true;
                    continue;
                }
            },
            Some((attempt, end)) = attempts.next() => {
                debug!(?end, "a provider of a transfer is lost");
                let is_alone = attempts.is_empty();
                if is_alone && pauses.is_empty() && !is_looked && end.is_its_fault() {
                    last = end;
                    continue;
                }
                if is_alone && (pauses.is_empty() || end.is_passing()) {
                    return end.into();
                }
                if is_alone {
                    // Nobody else gives: there is nothing to wait for.
                    hurry.notify_waiters();
                }
                match end {
                    SourceEnd::Lost(_) => pauses.push(attempt.pause(&hurry)),
                    SourceEnd::Gone if !is_alone && attempt.losses < RETURNS_MAX => {
                        returns.push(attempt.pause(&patience));
                    }
                    SourceEnd::Gone => {
                        begun_with.remove(&attempt.provider.targets);
                    }
                    // It lied, or serves by another stream: whatever others say of it, it is not begun with again.
                    _ => {}
                }
                continue;
            }
            Some(attempt) = pauses.next() => attempt,
            Some(attempt) = returns.next() => attempt,
            // Nobody was known, or nobody else is looked for.
            else => return last.into(),
        };
        attempts.push(begin(attempt));
    }
}

impl Attempt {
    fn first(provider: Provider) -> Self {
        let losses = 0;
        Self { provider, losses }
    }

    /// Waits until it is to be tried again: some time, or until there is a `hurry` from now on.
    fn pause(mut self, hurry: &Notify) -> impl Future<Output = Self> {
        let pause = PAUSE_MIN * 2u32.saturating_pow(self.losses);
        self.losses += 1;
        let hurried = hurry.notified();
        async move {
            // Either will do.
            let _ = tokio::time::timeout(pause.min(PAUSE_MAX), hurried).await;
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Mutex;

    use kith_core::ids::DeviceKey;
    use kith_core::routing::Target;
    use tokio::time::Instant;

    use super::*;
    use crate::content::Credential;

    fn provider(number: u8) -> Provider {
        Provider {
            targets: vec![Target::Device(DeviceKey([number; 32]))],
            credential: Credential::Session,
        }
    }

    fn number(provider: &Provider) -> u8 {
        match provider.targets[..] {
            [Target::Device(DeviceKey(key))] => key[0],
            _ => panic!("made above"),
        }
    }

    fn lost() -> SourceEnd {
        SourceEnd::Lost(ErrorKind::NotConnected.into())
    }

    fn lied() -> SourceEnd {
        SourceEnd::Lied("a file".to_owned())
    }

    /// What a provider does in all of its attempts: how long each lasts, in milliseconds, and how it ends.
    type Story = Vec<(u64, fn() -> SourceEnd)>;

    /// Runs providers that behave so, the first of them number 0. Gives the end, and who was attended to when.
    async fn play(stories: Vec<Story>) -> (GetError, Vec<(u8, u64)>) {
        play_naming(stories, Vec::new()).await
    }

    /// The same, and the second provider is named by somebody at these times, in milliseconds.
    async fn play_naming(stories: Vec<Story>, named: Vec<u64>) -> (GetError, Vec<(u8, u64)>) {
        let known = stories.len();
        let named = named.into_iter();
        let named = named.map(|at| (at, Found::Provider(provider(1))));
        let told = [(0, Found::Looked)].into_iter().chain(named).collect();
        play_finding(stories, known, told).await
    }

    /// The same, where the first so many are known, and this is found at these times.
    async fn play_finding(
        stories: Vec<Story>,
        known: usize,
        told: Vec<(u64, Found)>,
    ) -> (GetError, Vec<(u8, u64)>) {
        let begun = Instant::now();
        let known = (0u8..).take(known).map(provider).collect();
        let left = Mutex::new(stories);
        let seen = Mutex::new(Vec::new());
        let attend = |provider: Provider| {
            let number = number(&provider);
            let at = u64::try_from(begun.elapsed().as_millis()).expect("short");
            seen.lock().expect("held briefly").push((number, at));
            let (lasts, end) = left.lock().expect("held briefly")[usize::from(number)].remove(0);
            async move {
                tokio::time::sleep(Duration::from_millis(lasts)).await;
                end()
            }
        };
        let (finder, mut found) = mpsc::unbounded_channel();
        let naming = async {
            for (at, found) in told {
                tokio::time::sleep_until(begun + Duration::from_millis(at)).await;
                finder.send(found).expect("it is listened to");
            }
            std::future::pending().await
        };
        let end = tokio::select! {
            end = run(known, &mut found, attend) => end,
            () = naming => unreachable!("it never ends"),
        };
        (end, seen.into_inner().expect("nobody panicked"))
    }

    #[tokio::test(start_paused = true)]
    async fn who_lied_last_does_not_end_a_transfer_whose_other_source_comes_back() {
        let honest: Story = vec![(0, lost), (60_000, lost)];
        let liar: Story = vec![(100, lied)];
        let (end, seen) = play(vec![honest, liar]).await;
        // At once when nobody else is left, and not after its pause.
        assert_eq!(seen, [(0, 0), (1, 0), (0, 100)]);
        assert!(matches!(end, GetError::Connection(_)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_nothing_yet_is_tried_again_a_few_times_while_others_give() {
        let gone: Story = vec![(0, || SourceEnd::Gone); 6];
        let steady: Story = vec![(110_000, lost)];
        let (_, seen) = play(vec![gone, steady]).await;
        let tried = seen.iter().filter(|(number, _)| *number == 0);
        let seconds: Vec<u64> = tried.map(|(_, at)| at / 1000).collect();
        assert_eq!(seconds, [0, 1, 3, 7, 15, 31]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_nothing_is_not_waited_for_and_the_last_word_tells() {
        let gone: Story = vec![(10, || SourceEnd::Gone)];
        let liar: Story = vec![(20, lied)];
        let (end, seen) = play(vec![gone, liar]).await;
        assert_eq!(seen.len(), 2);
        assert!(matches!(end, GetError::Corrupt(_)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_lost_again_and_again_is_tried_less_and_less_while_others_give() {
        let away: Story = vec![(0, lost); 9];
        let steady: Story = vec![(110_000, lost)];
        let (_, seen) = play(vec![away, steady]).await;
        let tried = seen.iter().filter(|(number, _)| *number == 0);
        let seconds: Vec<u64> = tried.map(|(_, at)| at / 1000).collect();
        assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 61, 91]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_had_nothing_any_more_is_gone_to_again_when_named_anew() {
        let steady: Story = vec![(300_000, lost)];
        let gone = |lasts| (lasts, (|| SourceEnd::Gone) as fn() -> SourceEnd);
        let mut again: Story = vec![gone(0); 6];
        again.push(gone(50_000));
        again.push((0, lied));
        let named = vec![10_000, 100_000, 120_000];
        let (_, seen) = play_naming(vec![steady, again], named).await;
        let tried = seen.iter().filter(|(number, _)| *number == 1);
        let seconds: Vec<u64> = tried.map(|(_, at)| at / 1000).collect();
        // Neither while it is tried again by itself, nor while it gives.
        assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 100, 151]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_lied_is_not_gone_to_again_whoever_names_it() {
        let steady: Story = vec![(100_000, lost)];
        let liar: Story = vec![(10, lied)];
        let (_, seen) = play_naming(vec![steady, liar], vec![50_000]).await;
        assert_eq!(seen, [(0, 0), (1, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_lies_alone_ends_nothing_before_it_was_looked_who_else_there_is() {
        let honest: Story = vec![(60_000, lost)];
        let told = vec![
            (5_000, Found::Provider(provider(1))),
            (5_001, Found::Looked),
        ];
        let (_, seen) = play_finding(vec![vec![(0, lied)], honest], 1, told).await;
        assert_eq!(seen, [(0, 0), (1, 5_000)]);

        let told = vec![(5_000, Found::Looked)];
        let (end, seen) = play_finding(vec![vec![(0, lied)]], 1, told).await;
        assert_eq!(seen, [(0, 0)]);
        assert!(matches!(end, GetError::Corrupt(_)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_lies_where_nobody_else_is_looked_for_ends_it() {
        let (_, mut nobody) = mpsc::unbounded_channel();
        let end = run(vec![provider(0)], &mut nobody, |_| {
            std::future::ready(lied())
        })
        .await;
        assert!(matches!(end, GetError::Corrupt(_)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_lost_it_is_over_at_once() {
        let (end, seen) = play(vec![vec![(0, lost)], vec![(10, lost)]]).await;
        assert_eq!(seen, [(0, 0), (1, 0)]);
        assert!(matches!(end, GetError::Connection(_)), "{end:?}");
    }
}
