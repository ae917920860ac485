//! What the two sides of a transfer use while it lasts: processor time, and memory at its fullest.
//!
//! A side is a set of processes with all they start. A program that is run for one transfer belongs to the getter; when it is
//! over, its processor time is what the kernel adds to this process's waited-for children.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::share::program::{TRANSFER_DURATION_MAX, succeeded};
use crate::usage::Usage;

/// How often memory is looked at: 50 times in a second-long transfer, at a hundredth of a core.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

/// How long a side has to do nothing until its turn is over.
const IDLE_INTERVAL: Duration = Duration::from_millis(200);

/// What it may use meanwhile, timers and signs of life, and still do nothing: two ticks of the kernel's clock.
const IDLE_PROCESSOR_MAX: Duration = Duration::from_millis(20);

/// How many such intervals are waited for at most: some programs are never idle.
const IDLE_INTERVALS_MAX: usize = 50;

/// What a side used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Processor time, user and system.
    pub(crate) processor: Duration,
    /// The most bytes of memory that were resident.
    pub(crate) resident_max: u64,
}

/// Two sides under watch.
#[derive(Debug)]
pub(crate) struct Watch {
    provider: Arc<Side>,
    getter: Arc<Side>,
    processor_before: [Duration; 3],
    is_over: Arc<AtomicBool>,
    sampler: JoinHandle<()>,
}

#[derive(Debug)]
struct Side {
    pids: Mutex<Vec<u32>>,
    resident_max: AtomicU64,
}

impl Watch {
    /// Begins.
    pub(crate) fn start(provider: Vec<u32>, getter: Vec<u32>) -> Result<Self> {
        let processor_before = [processor(&provider)?, processor(&getter)?, of_run()?];
        let (provider, getter) = (Side::new(provider), Side::new(getter));
        let is_over = Arc::new(AtomicBool::new(false));
        let watched = (provider.clone(), getter.clone(), is_over.clone());
        let sampler = thread::spawn(move || {
            let (provider, getter, is_over) = watched;
            while !is_over.load(Ordering::Relaxed) {
                provider.sample();
                getter.sample();
                thread::sleep(SAMPLE_INTERVAL);
            }
        });
        Ok(Self {
            provider,
            getter,
            processor_before,
            is_over,
            sampler,
        })
    }

    /// Runs a command of the getter to its end; its stdout.
    pub(crate) fn run(&self, command: &mut Command) -> Result<String> {
        let limited = &mut Command::new("timeout");
        limited.arg(TRANSFER_DURATION_MAX.as_secs().to_string());
        limited.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            limited.env(name, value.unwrap_or_default());
        }
        if let Some(folder) = command.get_current_dir() {
            limited.current_dir(folder);
        }
        let child = limited
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("timeout (coreutils) cannot be run")?;
        self.getter.pids().push(child.id());
        let output = child.wait_with_output()?;
        succeeded(command, &output)
    }

    /// Ends; what provider and getter used.
    pub(crate) fn end(self) -> Result<[Used; 2]> {
        self.is_over.store(true, Ordering::Relaxed);
        self.sampler
            .join()
            .map_err(|_| anyhow!("the sampler panicked"))?;
        let [provider_before, getter_before, run_before] = self.processor_before;
        let provider = processor(&self.provider.pids())?;
        let getter = processor(&self.getter.pids())?;
        let run = of_run()?.saturating_sub(run_before);
        Ok([
            Used {
                processor: provider.saturating_sub(provider_before),
                resident_max: self.provider.resident_max.load(Ordering::Relaxed),
            },
            Used {
                processor: getter.saturating_sub(getter_before) + run,
                resident_max: self.getter.resident_max.load(Ordering::Relaxed),
            },
        ])
    }
}

/// Waits until these processes do nothing any more. What is left to do after a transfer (a program may look once more at what it
/// got) would be done in somebody else's turn.
pub(crate) fn settle(pids: &[u32]) -> Result<()> {
    let mut before = processor(pids)?;
    for _ in 0..IDLE_INTERVALS_MAX {
        thread::sleep(IDLE_INTERVAL);
        let now = processor(pids)?;
        if now.saturating_sub(before) <= IDLE_PROCESSOR_MAX {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}

impl Side {
    fn new(pids: Vec<u32>) -> Arc<Self> {
        Arc::new(Self {
            pids: Mutex::new(pids),
            resident_max: AtomicU64::new(0),
        })
    }

    fn pids(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sample(&self) {
        let pids = self.pids().clone();
        // Who ends between two looks has no memory any more.
        let resident = with_descendants(&pids)
            .into_iter()
            .filter_map(|pid| Usage::of(pid).ok())
            .map(|usage| usage.resident)
            .sum();
        self.resident_max.fetch_max(resident, Ordering::Relaxed);
    }
}

/// Processor time of these and all they started. Who is over and waited for counts with its parent.
fn processor(pids: &[u32]) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for pid in with_descendants(pids) {
        sum += Usage::total_processor(pid).unwrap_or_default();
    }
    Ok(sum)
}

/// Processor time of what this process ran to its end.
fn of_run() -> Result<Duration> {
    Usage::waited_processor(std::process::id())
}

fn with_descendants(pids: &[u32]) -> Vec<u32> {
    let mut found = pids.to_vec();
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children(*pid));
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        let list = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(
            list.split_whitespace()
                .filter_map(|it| it.parse::<u32>().ok()),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_is_waited_for() {
        let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 60";
        let mut busy = Command::new("sh")
            .args(["-c", script])
            .spawn()
            .expect("a shell");
        settle(&[busy.id()]).expect("this is Linux");
        let before = processor(&[busy.id()]).expect("this is Linux");
        assert!(before > 2 * IDLE_PROCESSOR_MAX, "{before:?}");
        thread::sleep(IDLE_INTERVAL);
        assert_eq!(processor(&[busy.id()]).expect("this is Linux"), before);
        busy.kill().expect("ours");
        busy.wait().expect("ours");
    }

    #[test]
    fn a_command_that_works_and_fills_memory_is_seen() {
        let watch = Watch::start(vec![], vec![]).expect("this is Linux");
        // 50 MB in one variable of a shell, and the time to make them.
        let script = "x=$(head -c 50000000 /dev/zero | tr '\\0' x); sleep 0.2; echo ${#x}";
        let said = watch.run(Command::new("sh").args(["-c", script]));
        assert_eq!(said.expect("a shell").trim(), "50000000");
        let [provider, getter] = watch.end().expect("this is Linux");
        assert_eq!(provider.resident_max, 0);
        assert!(getter.resident_max > 40_000_000, "{getter:?}");
        assert!(getter.processor > Duration::ZERO, "{getter:?}");
    }
}
