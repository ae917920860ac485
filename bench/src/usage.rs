//! What the kernel says a process uses (proc(5)); Linux only.

use std::time::Duration;

use anyhow::Context as _;

/// Clock ticks a second in `/proc`: 100 on every Linux that tells them to programs (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What one process uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Bytes of its memory that are resident, with the pages of the program itself that are in use.
    pub(crate) resident: u64,
    /// Of them, bytes that are its own: not pages of files.
    pub(crate) anonymous: u64,
    /// Processor time since its start.
    pub(crate) processor: Duration,
}

impl Usage {
    /// Of the process `pid`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Ok(Self {
            resident: field_kib(&status, "VmRSS:")? * 1024,
            anonymous: field_kib(&status, "RssAnon:")? * 1024,
            processor: processor_time(&stat, OWN)?,
        })
    }

    /// Processor time of the process `pid`, and of its children that are over.
    pub(crate) fn total_processor(pid: u32) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Ok(processor_time(&stat, OWN)? + processor_time(&stat, WAITED)?)
    }

    /// Processor time of the children of `pid` that are over.
    pub(crate) fn waited_processor(pid: u32) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        processor_time(&stat, WAITED)
    }
}

fn field_kib(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.with_context(|| format!("no {name}"))?.parse()?)
}

/// Where in `stat`, counted after the name, user and system time are.
const OWN: usize = 11;

/// Where those of children that were waited for are.
const WAITED: usize = 13;

fn processor_time(stat: &str, first: usize) -> anyhow::Result<Duration> {
    // The second field is a name in parentheses and may hold spaces.
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let mut ticks = 0.0;
    for field in rest.split_whitespace().skip(first).take(2) {
        ticks += field.parse::<f64>()?;
    }
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_moves_no_field() {
        let stat = "1 (a (b) c) S 2 3 4 5 6 7 8 9 10 11 150 50 300 100 16";
        let time = |first| processor_time(stat, first).expect("a stat line");
        assert_eq!(time(OWN), Duration::from_secs(2));
        assert_eq!(time(WAITED), Duration::from_secs(4));
    }

    #[test]
    fn this_process_uses_memory() {
        let usage = Usage::of(std::process::id()).expect("this is Linux");
        assert!(usage.resident > usage.anonymous && usage.anonymous > 0);
    }
}
