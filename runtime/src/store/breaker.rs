//! The circuit breaker of a store: after a failure the store is left alone for a time.
//!
//! The first pause is one second. At its end one operation is permitted, and the others are refused
//! until that one has ended. If it fails, the next pause is twice as long, up to 30 seconds; if it
//! succeeds, the breaker is closed.
//!
//! Operations that overlap fail together when a store dies. They are one failure: of the operations
//! that were permitted before a pause, the first one alone counts.
//!
//! A permit that is dropped (its caller was cancelled) counts as neither. Times are container time:
//! a pause ends during a freeze. If the container clock restarts, the breaker is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::clock::Tick;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct Breaker {
    state: Mutex<State>,
}

struct State {
    /// The last pause, from its start to its end. `None` while the store works.
    pause: Option<(Tick, Tick)>,
    /// The number of pauses and of successes after them. A permit of an earlier phase does not
    /// count.
    phase: u64,
    /// True while one operation tries the store after a pause.
    is_tried: bool,
}

impl Breaker {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(State { pause: None, phase: 0, is_tried: false }) }
    }

    /// Permits one operation. Returns `None` while the store is left alone.
    pub(crate) fn permit(&self, now: Tick) -> Option<Permit<'_>> {
        let mut state = self.lock();
        if let Some((start, end)) = state.pause {
            if now < start {
                *state = State { pause: None, phase: state.phase + 1, is_tried: false };
            } else if now < end || state.is_tried {
                return None;
            } else {
                state.is_tried = true;
            }
        }
        Some(Permit { breaker: self, phase: state.phase })
    }

    /// Closes it, for another simulated container.
    #[cfg(feature = "testing")]
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        *state = State { pause: None, phase: state.phase + 1, is_tried: false };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permit of one operation.
#[must_use]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    phase: u64,
}

impl Permit<'_> {
    /// Reports that the store has responded.
    pub(crate) fn succeeded(self) {
        let mut state = self.breaker.lock();
        if state.phase == self.phase && state.pause.is_some() {
            *state = State { pause: None, phase: state.phase + 1, is_tried: false };
        }
    }

    /// Reports that the store has failed. Returns the pause that starts now, and `None` if another
    /// failure has started it: a caller logs the failure only with a pause.
    pub(crate) fn failed(self, now: Tick) -> Option<Duration> {
        let mut state = self.breaker.lock();
        if state.phase != self.phase {
            return None;
        }
        let pause = match state.pause {
            Some((start, end)) => end.since(start).saturating_mul(2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        let phase = state.phase + 1;
        *state = State { pause: Some((now, now.after(pause))), phase, is_tried: false };
        Some(pause)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // After `succeeded` and `failed` the phase is another one, unless there is no pause.
        let mut state = self.breaker.lock();
        if state.phase == self.phase {
            state.is_tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::ZERO.after(Duration::from_millis(ms))
    }

    fn secs(pause: Option<Duration>) -> Option<u64> {
        pause.map(|pause| pause.as_secs())
    }

    #[test]
    fn pauses_double_up_to_30_seconds_and_a_success_ends_them() {
        let breaker = Breaker::new();
        let mut now = 5;
        for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
            let permit = breaker.permit(at(now)).unwrap();
            assert_eq!(secs(permit.failed(at(now))), Some(expected));
            assert!(breaker.permit(at(now)).is_none());
            now += expected * 1000;
            assert!(breaker.permit(at(now - 1)).is_none());
        }
        breaker.permit(at(now)).unwrap().succeeded();
        let permit = breaker.permit(at(now)).unwrap();
        assert_eq!(secs(permit.failed(at(now))), Some(1));
    }

    #[test]
    fn one_operation_tries_the_store_after_a_pause() {
        let breaker = Breaker::new();
        assert!(breaker.permit(at(0)).unwrap().failed(at(0)).is_some());
        let trial = breaker.permit(at(1000)).unwrap();
        assert!(breaker.permit(at(1000)).is_none());
        assert!(breaker.permit(at(60_000)).is_none());
        trial.succeeded();
        let (one, two) = (breaker.permit(at(1000)), breaker.permit(at(1000)));
        assert!(one.is_some() && two.is_some());
    }

    #[test]
    fn a_dropped_trial_permits_another() {
        let breaker = Breaker::new();
        assert!(breaker.permit(at(0)).unwrap().failed(at(0)).is_some());
        drop(breaker.permit(at(1000)).unwrap());
        let trial = breaker.permit(at(1000)).unwrap();
        assert!(breaker.permit(at(1000)).is_none());
        assert_eq!(secs(trial.failed(at(1000))), Some(2));
    }

    #[test]
    fn operations_that_overlap_are_one_failure() {
        let breaker = Breaker::new();
        let permits: Vec<_> = (0..64).map(|_| breaker.permit(at(0)).unwrap()).collect();
        let pauses = permits.into_iter().filter_map(|permit| permit.failed(at(100)));
        assert_eq!(pauses.collect::<Vec<_>>(), [FIRST_PAUSE]);
        assert!(breaker.permit(at(1099)).is_none());
        assert!(breaker.permit(at(1100)).is_some());
    }

    #[test]
    fn an_operation_of_an_earlier_phase_does_not_count() {
        let breaker = Breaker::new();
        let (slow, other) = (breaker.permit(at(0)).unwrap(), breaker.permit(at(0)).unwrap());
        let failed = breaker.permit(at(0)).unwrap();
        assert!(failed.failed(at(0)).is_some());
        slow.succeeded();
        assert!(breaker.permit(at(999)).is_none(), "a success from before the failure");
        let trial = breaker.permit(at(1000)).unwrap();
        drop(other);
        assert!(breaker.permit(at(1000)).is_none(), "a permit from before the failure is dropped");
        trial.succeeded();
        assert!(breaker.permit(at(1000)).is_some());
    }

    #[test]
    fn a_clock_that_restarts_closes_it() {
        let breaker = Breaker::new();
        assert!(breaker.permit(at(9000)).unwrap().failed(at(9000)).is_some());
        assert!(breaker.permit(at(5)).is_some());
        assert!(breaker.permit(at(5)).is_some());
    }
}
