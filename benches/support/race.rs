//! Contestants that take turns in one process. Each round lets every contestant work for half a
//! millisecond, so that what else the machine does falls on all of them alike; a turn in which a
//! thread was taken off its CPU, or worked alone, is left out. What is reported is the median over the rounds, and
//! the median of each round's ratio to the group's first contestant.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::lambda::collected;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// So many operations in a row, on the calling thread.
pub type Work = Box<dyn Fn(u64) + Send + Sync>;

/// One way to do a thing.
pub struct Contestant {
    /// What it is called in the tables.
    pub name: &'static str,
    /// Makes everything that its operations need.
    pub make: fn() -> Work,
}

/// Ways to do the same thing. The first is what the others are compared with.
pub struct Group {
    /// What they all do.
    pub name: &'static str,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
}

/// What a contestant needed for one operation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Outcome {
    /// [`Group::name`].
    pub group: &'static str,
    /// [`Contestant::name`].
    pub name: &'static str,
    /// How many threads worked at the same time.
    pub threads: usize,
    /// Nanoseconds, the median.
    pub ns: f64,
    /// Nanoseconds, the least.
    pub least_ns: f64,
    /// Times what the group's first contestant needed.
    pub ratio: f64,
    /// How many turns counted.
    pub turns: usize,
    /// Instructions, by callgrind.
    pub instructions: Option<f64>,
}

const TURN: Duration = Duration::from_micros(500);

/// The share of a turn that its threads must have spent on a CPU, and all at the same time, for it
/// to count.
const ENOUGH: f64 = 0.9;

/// Lets the contestants of a group take turns on so many threads.
pub fn race(group: &Group, threads: usize, rounds: usize) -> Vec<Outcome> {
    let works: Vec<Work> = group.contestants.iter().map(|contestant| (contestant.make)()).collect();
    let lengths: Vec<u64> = works.iter().map(calibrate).collect();
    let mut turns: Vec<Vec<Option<f64>>> = Vec::new();
    for round in 0..rounds {
        let mut times = vec![None; works.len()];
        for turn in 0..works.len() {
            let n = (turn + round) % works.len();
            times[n] = one_turn(&works[n], lengths[n], threads);
        }
        turns.push(times);
    }
    let outcome = |n: usize| {
        let times: Vec<f64> = turns.iter().filter_map(|times| times[n]).collect();
        let counted = times.len();
        let ratios = turns.iter().filter_map(|times| Some(times[n]? / times[0]?)).collect();
        let (ns, least_ns) = median_and_least(times);
        let (ratio, _) = median_and_least(ratios);
        let name = group.contestants[n].name;
        Outcome {
            group: group.name,
            name,
            threads,
            ns,
            least_ns,
            ratio,
            turns: counted,
            instructions: None,
        }
    };
    (0..works.len()).map(outcome).collect()
}

/// How many operations fill a turn.
fn calibrate(work: &Work) -> u64 {
    let mut n = 64;
    loop {
        let start = Instant::now();
        work(n);
        let took = start.elapsed();
        if took * 4 >= TURN {
            let per = took.as_nanos() as f64 / n as f64;
            return (TURN.as_nanos() as f64 / per).max(1.0) as u64;
        }
        n *= 2;
    }
}

/// Nanoseconds an operation; `None` if the threads were disturbed, or did not work at the same time.
fn one_turn(work: &Work, n: u64, threads: usize) -> Option<f64> {
    let waiting = AtomicUsize::new(threads);
    let timed = || {
        waiting.fetch_sub(1, SeqCst);
        while waiting.load(SeqCst) > 0 {
            std::hint::spin_loop();
        }
        let (start, cpu) = (Instant::now(), cpu_time());
        work(n);
        let (end, cpu) = (Instant::now(), cpu_time() - cpu);
        let undisturbed = cpu.as_secs_f64() >= (end - start).as_secs_f64() * ENOUGH;
        undisturbed.then_some((start, end))
    };
    let times: Option<Vec<(Instant, Instant)>> = match threads {
        1 => timed().map(|time| vec![time]),
        _ => std::thread::scope(|scope| {
            let on_cpu = |cpu| {
                scope.spawn(move || {
                    let mut cpus = CpuSet::new();
                    cpus.set(cpu);
                    // Where that is not allowed, the scheduler spreads them.
                    let _ = sched_setaffinity(None, &cpus);
                    timed()
                })
            };
            let handles: Vec<_> = (0..threads).map(on_cpu).collect();
            handles.into_iter().map(|handle| handle.join().ok().flatten()).collect()
        }),
    };
    let times = times?;
    let last_start = times.iter().map(|time| time.0).max()?;
    let first_end = times.iter().map(|time| time.1).min()?;
    let together = first_end.saturating_duration_since(last_start).as_secs_f64();
    let took = |time: &(Instant, Instant)| (time.1 - time.0).as_secs_f64();
    let overlap = times.iter().all(|time| together >= took(time) * ENOUGH);
    let mean = times.iter().map(took).sum::<f64>() / threads as f64;
    overlap.then_some(mean * 1e9 / n as f64)
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The median of some values, and the least of them.
pub fn median_and_least(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied();
    (middle.unwrap_or(f64::NAN), values.first().copied().unwrap_or(f64::NAN))
}

/// Instructions that one operation of this contestant takes: the difference between two runs of
/// this program under callgrind, of which one does more operations. `None` without valgrind.
///
/// Valgrind hides the vDSO, so that reading a clock is a system call and counts as few
/// instructions; it is the same for all contestants.
pub fn instructions(group: &str, name: &str) -> Option<f64> {
    const LESS: u64 = 2_000;
    const MORE: u64 = 12_000;
    let count = |operations: u64| {
        let program = std::env::current_exe().ok()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(["--one", group, name, &operations.to_string()])
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        collected(&text)
    };
    Some((count(MORE)? - count(LESS)?) / (MORE - LESS) as f64)
}

/// Runs one contestant so many times if the command line is `--one GROUP NAME OPERATIONS`; says
/// whether it was.
pub fn run_one(groups: &[Group]) -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [one, group, name, operations] = &arguments[..] else {
        return false;
    };
    if one != "--one" {
        return false;
    }
    let contestants = groups.iter().filter(|other| other.name == group);
    let contestant = contestants
        .flat_map(|group| &group.contestants)
        .find(|other| other.name == name)
        .expect("a contestant of that name");
    (contestant.make)()(operations.parse().expect("a number of operations"));
    true
}
