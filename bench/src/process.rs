//! Memory and processor time of processes, as the kernel reports them.

use std::fs;
use std::time::Duration;

use crate::error::{BenchError, check};

/// The unit of times in /proc; it is 100 on every Linux that the benchmark supports.
const TICKS_PER_SECOND: u64 = 100;

/// Resident memory, in MB of 1,000,000 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub now: f64,
    /// The peak.
    pub peak: f64,
}

/// # Errors
/// If there is no such process, or no /proc.
pub fn memory(pid: u32) -> Result<Memory, BenchError> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mb = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.map(|kib| kib * 1_024.0 / 1e6).unwrap_or_default()
    };
    let (now, peak) = (mb("VmRSS"), mb("VmHWM"));
    check(now > 0.0 && peak >= now, || format!("no memory in /proc/{pid}/status"))?;
    Ok(Memory { now, peak })
}

/// Processor time of a process since it started, with a resolution of 10 ms.
pub fn cpu(pid: u32) -> Result<Duration, BenchError> {
    let stat = Stat::read(&fs::read_to_string(format!("/proc/{pid}/stat"))?);
    stat.map(|stat| ticks(stat.own)).ok_or_else(|| no_stat(pid))
}

/// Processor time of a process and its children, ended ones included: of a whole Postgres.
pub fn cpu_of_family(pid: u32) -> Result<Duration, BenchError> {
    let parent = Stat::read(&fs::read_to_string(format!("/proc/{pid}/stat"))?);
    let parent = parent.ok_or_else(|| no_stat(pid))?;
    let mut all = parent.own + parent.ended_children;
    for entry in fs::read_dir("/proc")?.flatten() {
        // An entry that is not a process, or one that has just ended, has no such file.
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        all += Stat::read(&text).filter(|stat| stat.parent == pid).map_or(0, |stat| stat.own);
    }
    Ok(ticks(all))
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1_000 / TICKS_PER_SECOND)
}

fn no_stat(pid: u32) -> BenchError {
    BenchError::Incorrect(format!("/proc/{pid}/stat has another form"))
}

/// Fields of /proc/PID/stat; times in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u64,
    ended_children: u64,
}

impl Stat {
    /// The second field, the command in brackets, may contain brackets and spaces; the fields after
    /// it are counted from 3.
    fn read(text: &str) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Stat {
            parent: fields.get(1)?.parse().ok()?,
            own: number(14)? + number(15)?,
            ended_children: number(16)? + number(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_command_with_brackets() {
        let text = "7 (a) b) S 5 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99 0 0";
        let stat = Stat { parent: 5, own: 30, ended_children: 70 };
        assert_eq!(Stat::read(text), Some(stat));
    }

    #[test]
    fn a_process_sees_its_own_memory() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.peak >= memory.now);
    }
}
