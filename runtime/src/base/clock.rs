//! The container clock: a clock that includes frozen time and does not go back.
//!
//! Neither system clock measures the age of a value in a container that freezes: the monotonic
//! clock may stop, and the wall clock may be adjusted. [`Clock::sync`] reads both and advances the
//! container clock by the larger of the two steps since the previous sync, so that a value expires
//! as soon as it has expired by either clock. A step back (the wall clock by an adjustment, the
//! monotonic clock by a restore on another machine) counts as zero. A sync happens at the start and
//! at the end of every invocation, and around a SnapStart snapshot.
//!
//! Between two syncs the container clock follows the monotonic clock, which takes a single read.
//!
//! On Linux the coarse clocks are read. The kernel updates both in the same tick, so that their
//! steps are equal to the nanosecond. With precise clocks, the larger of two steps would add the
//! time between the two reads at every sync.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The clock of this container.
pub(crate) static CLOCK: Clock = Clock::new();

/// A point in container time, in nanoseconds. Nothing is subtracted from a point: on a machine that
/// has just started, that would underflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub(crate) u64);

impl Tick {
    pub(crate) const ZERO: Self = Self(0);

    /// Returns the point `duration` later, saturating.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// Returns the time since `earlier`; zero if that is a later point.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Returns the nanoseconds of a duration, saturating at 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// See the module. The time is `max(monotonic + offset, floor)`, which is read without a lock.
pub(crate) struct Clock {
    /// Container time less monotonic time, wrapping.
    offset: AtomicU64,
    /// The time at the last sync. It holds the clock still if the monotonic clock steps back.
    floor: AtomicU64,
    /// The readings of the last sync.
    last: Mutex<Option<Reading>>,
    /// The time that was skipped, which the wall clock does not show.
    #[cfg(feature = "local")]
    skipped: AtomicU64,
    #[cfg(any(test, feature = "testing"))]
    manual: Manual,
}

/// One reading of both clocks, in nanoseconds.
#[derive(Clone, Copy)]
struct Reading {
    monotonic: u64,
    wall: u64,
}

/// The first time of the container clock: 146 years, so that the fetch of an entry in a store can be
/// a point before the start of the container.
const START: u64 = 1 << 62;

impl Clock {
    pub(crate) const fn new() -> Self {
        Self {
            offset: AtomicU64::new(START),
            floor: AtomicU64::new(0),
            last: Mutex::new(None),
            #[cfg(feature = "local")]
            skipped: AtomicU64::new(0),
            #[cfg(any(test, feature = "testing"))]
            manual: Manual::new(),
        }
    }

    /// Returns the time now. Reads the monotonic clock alone.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        let moved = self.monotonic().wrapping_add(self.offset.load(Relaxed));
        Tick(moved.max(self.floor.load(Relaxed)))
    }

    /// Reads both clocks and advances by the larger step since the last sync. Returns the time now.
    pub(crate) fn sync(&self) -> Tick {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.read();
        let now = match *last {
            None => self.now().0,
            Some(before) => {
                let monotonic = reading.monotonic.saturating_sub(before.monotonic);
                let wall = reading.wall.saturating_sub(before.wall);
                self.floor.load(Relaxed).saturating_add(monotonic.max(wall))
            }
        };
        *last = Some(reading);
        self.set(reading, now)
    }

    /// Returns the time of the wall clock.
    pub(crate) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.read().wall)
    }

    /// Returns the time of the wall clock, and what was skipped, in milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> u64 {
        let wall = self.read().wall;
        #[cfg(feature = "local")]
        let wall = wall.saturating_add(self.skipped.load(Relaxed));
        wall / 1_000_000
    }

    /// Advances by `idle` at once, as if the container had been frozen for that time.
    #[cfg(feature = "local")]
    pub(crate) fn skip(&self, idle: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.read();
        *last = Some(reading);
        self.skipped.fetch_add(nanos(idle), Relaxed);
        self.set(reading, self.now().after(idle).0);
    }

    fn set(&self, reading: Reading, now: u64) -> Tick {
        // A sync never lowers the offset or the floor. A reader that sees only one of the two
        // stores therefore gets a time between the old one and the new one, in either order.
        self.offset.store(now.wrapping_sub(reading.monotonic), Relaxed);
        self.floor.store(now, Relaxed);
        Tick(now)
    }

    #[inline]
    fn monotonic(&self) -> u64 {
        #[cfg(any(test, feature = "testing"))]
        if let Some(reading) = self.manual.read() {
            return reading.monotonic;
        }
        system::monotonic()
    }

    fn read(&self) -> Reading {
        #[cfg(any(test, feature = "testing"))]
        if let Some(reading) = self.manual.read() {
            return reading;
        }
        let mut reading = Reading { monotonic: system::monotonic(), wall: system::wall() };
        for _ in 0..8 {
            // Both readings must be of the same kernel tick, or the difference would be counted.
            // A precise clock, or a thread that is preempted, gets the last of eight tries.
            let after = system::monotonic();
            if after == reading.monotonic {
                break;
            }
            reading = Reading { monotonic: after, wall: system::wall() };
        }
        reading
    }
}

/// Two clocks that replace the system's. They stand still until a test moves them.
#[cfg(any(test, feature = "testing"))]
#[derive(Default)]
struct Manual {
    on: std::sync::atomic::AtomicBool,
    monotonic: AtomicU64,
    wall: AtomicU64,
}

#[cfg(any(test, feature = "testing"))]
impl Manual {
    const fn new() -> Self {
        Self {
            on: std::sync::atomic::AtomicBool::new(false),
            monotonic: AtomicU64::new(0),
            wall: AtomicU64::new(0),
        }
    }

    #[inline]
    fn read(&self) -> Option<Reading> {
        self.on.load(Relaxed).then(|| Reading {
            monotonic: self.monotonic.load(Relaxed),
            wall: self.wall.load(Relaxed),
        })
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock {
    /// Replaces both clocks with manual ones at these times, and restarts the container clock.
    pub(crate) fn set_manual(&self, monotonic: Duration, wall: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.manual.monotonic.store(nanos(monotonic), Relaxed);
        self.manual.wall.store(nanos(wall), Relaxed);
        self.manual.on.store(true, Relaxed);
        *last = None;
        self.offset.store(START, Relaxed);
        self.floor.store(0, Relaxed);
    }

    /// Returns to the system's clocks, and restarts the container clock.
    #[cfg(feature = "testing")]
    pub(crate) fn set_system(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.manual.on.store(false, Relaxed);
        *last = None;
        self.offset.store(START, Relaxed);
        self.floor.store(0, Relaxed);
    }

    /// Resets the manual monotonic clock, as on a machine that has just started.
    #[cfg(feature = "testing")]
    pub(crate) fn restart_manual(&self) {
        self.manual.monotonic.store(5, Relaxed);
    }

    /// Moves the manual clocks by so many nanoseconds, forward or back.
    pub(crate) fn move_manual(&self, monotonic: i64, wall: i64) {
        self.manual.monotonic.fetch_add(monotonic as u64, Relaxed);
        self.manual.wall.fetch_add(wall as u64, Relaxed);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    #[inline]
    pub(super) fn monotonic() -> u64 {
        nanos(clock_gettime(ClockId::MonotonicCoarse))
    }

    pub(super) fn wall() -> u64 {
        nanos(clock_gettime(ClockId::RealtimeCoarse))
    }

    #[inline]
    fn nanos(time: Timespec) -> u64 {
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime};

    pub(super) fn monotonic() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        super::nanos(START.get_or_init(Instant::now).elapsed())
    }

    pub(super) fn wall() -> u64 {
        let epoch = SystemTime::UNIX_EPOCH;
        super::nanos(SystemTime::now().duration_since(epoch).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn manual() -> Clock {
        let clock = Clock::new();
        clock.set_manual(Duration::from_nanos(5), Duration::from_secs(1_700_000_000));
        clock.sync();
        clock
    }

    #[test]
    fn advances_by_the_larger_step() {
        for (monotonic, wall, moved) in [(3, 3, 3), (0, 7, 7), (7, 0, 7), (2, -9, 2), (-4, 6, 6)] {
            let clock = manual();
            clock.move_manual(100 * SECOND, 100 * SECOND);
            let before = clock.sync();
            clock.move_manual(monotonic * SECOND, wall * SECOND);
            assert_eq!(clock.sync().since(before), Duration::from_secs(moved));
            assert_eq!(clock.now(), clock.sync(), "a second sync adds nothing");
        }
    }

    #[test]
    fn never_runs_backwards() {
        let clock = manual();
        clock.move_manual(50 * SECOND, 50 * SECOND);
        let high = clock.sync();
        clock.move_manual(-50 * SECOND, -SECOND);
        assert_eq!(clock.now(), high);
        assert_eq!(clock.sync(), high);
        clock.move_manual(SECOND, 0);
        assert_eq!(clock.now().since(high), Duration::from_secs(1));
    }

    #[test]
    fn a_machine_that_has_just_started_does_not_underflow() {
        let clock = manual();
        let start = clock.now();
        assert_eq!(Tick::ZERO.since(start), Duration::ZERO);
        assert_eq!(start.after(Duration::MAX), Tick(u64::MAX));
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn the_system_clocks_agree() {
        let clock = Clock::new();
        let (start, instant) = (clock.sync(), std::time::Instant::now());
        while instant.elapsed() < Duration::from_millis(50) {
            clock.sync();
        }
        let moved = clock.sync().since(start);
        assert!(moved >= Duration::from_millis(30), "{moved:?}");
        assert!(moved <= instant.elapsed() + Duration::from_millis(20), "{moved:?}");
    }
}
