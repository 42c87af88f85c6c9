//! The container clock: one time that only moves forward and counts the time a container spent
//! frozen.
//!
//! Between two calls of [`Clock::sync`] it moves with the monotonic clock. [`Clock::sync`], called
//! at the start and the end of every invocation and around a SnapStart snapshot, reads the wall
//! clock too and advances by whichever of the two moved further: a value is too old as soon as
//! either clock says so. A clock that jumps back (the wall clock by an adjustment, the monotonic
//! one by a restore on another machine) holds the container clock still and never turns it back.
//!
//! The coarse variants of both clocks are read where the system has them. The kernel updates them
//! together, so the steps that they take are equal to the nanosecond and nothing accumulates.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The clock of this container.
pub(crate) static CLOCK: Clock = Clock::new();

/// A point in container time, in nanoseconds. Points are compared and added to, never subtracted
/// from: on a young machine that would underflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub(crate) u64);

impl Tick {
    pub(crate) const ZERO: Self = Self(0);

    /// This point and `duration` more, or the end of time.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// How long `earlier` lies behind; zero if it does not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds in a duration; over 584 years count as 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// See the module. All state is consistent at any moment; a reader never waits.
#[derive(Default)]
pub(crate) struct Clock {
    /// Container time less monotonic time (wrapping).
    offset: AtomicU64,
    /// What the clock showed when it was last synced: it never shows less.
    floor: AtomicU64,
    last: Mutex<Option<Reading>>,
    /// When the container last went from idle to work: before that it may have been frozen.
    resumed: AtomicU64,
    #[cfg(any(test, feature = "testing"))]
    manual: Manual,
}

/// One reading of both clocks, in nanoseconds.
#[derive(Clone, Copy)]
struct Reading {
    monotonic: u64,
    wall: u64,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self {
            offset: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            last: Mutex::new(None),
            resumed: AtomicU64::new(0),
            #[cfg(any(test, feature = "testing"))]
            manual: Manual::new(),
        }
    }

    /// The time now. Reads only the monotonic clock.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        let moved = self.monotonic().wrapping_add(self.offset.load(Relaxed));
        Tick(moved.max(self.floor.load(Relaxed)))
    }

    /// Reads both clocks and advances by whichever moved further since the last time.
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

    /// The container goes from idle to work, now.
    pub(crate) fn resume(&self, now: Tick) {
        self.resumed.store(now.0, Relaxed);
    }

    /// Whether the container may have been frozen since then.
    pub(crate) fn has_rested_since(&self, then: Tick) -> bool {
        then.0 < self.resumed.load(Relaxed)
    }

    /// The wall clock's time.
    pub(crate) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.read().wall)
    }

    /// Lets `idle` pass on both clocks at once: what a freeze of that length does.
    #[cfg(feature = "local")]
    pub(crate) fn skip(&self, idle: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.read();
        *last = Some(reading);
        self.set(reading, self.now().after(idle).0);
    }

    fn set(&self, reading: Reading, now: u64) -> Tick {
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
            // Both from the same kernel tick, or the difference would be counted. Where a clock has
            // no ticks, or the machine stalls, as close as can be had.
            let after = system::monotonic();
            if after == reading.monotonic {
                break;
            }
            reading = Reading { monotonic: after, wall: system::wall() };
        }
        reading
    }
}

/// Two clocks in the place of the system's, which stand still until they are told to move.
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
    /// Takes both clocks from the system and sets them; the container time starts with them.
    pub(crate) fn set_manual(&self, monotonic: Duration, wall: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.manual.monotonic.store(nanos(monotonic), Relaxed);
        self.manual.wall.store(nanos(wall), Relaxed);
        self.manual.on.store(true, Relaxed);
        *last = None;
        self.offset.store(0, Relaxed);
        self.floor.store(0, Relaxed);
        self.resumed.store(0, Relaxed);
    }

    /// Gives both clocks back to the system; the container time starts with them.
    #[cfg(feature = "testing")]
    pub(crate) fn set_system(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.manual.on.store(false, Relaxed);
        *last = None;
        self.offset.store(0, Relaxed);
        self.floor.store(0, Relaxed);
        self.resumed.store(0, Relaxed);
    }

    /// The manual monotonic clock starts again near zero, as on a machine that has just started.
    #[cfg(feature = "testing")]
    pub(crate) fn young_manual(&self) {
        self.manual.monotonic.store(5, Relaxed);
    }

    /// Moves manual clocks: forward, or one of them back.
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
    fn advances_by_whichever_clock_moved_further() {
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
    fn a_young_machine_does_not_underflow() {
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
