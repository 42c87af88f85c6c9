//! Single flight: one piece of work that any number of callers, tasks and threads, wait for.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::watch;

/// The end that waits. Cheap to clone.
pub(crate) struct Flight<T>(watch::Receiver<Option<T>>);

/// The end that works. Dropped without [`land`](Self::land), it leaves those who wait without an
/// outcome.
pub(crate) struct Pilot<T>(watch::Sender<Option<T>>);

/// Both ends of a new flight.
pub(crate) fn take_off<T>() -> (Pilot<T>, Flight<T>) {
    let (sender, receiver) = watch::channel(None);
    (Pilot(sender), Flight(receiver))
}

impl<T> Pilot<T> {
    /// Gives the outcome to all who wait and to all who will.
    pub(crate) fn land(self, outcome: T) {
        self.0.send_replace(Some(outcome));
    }
}

impl<T: Clone> Flight<T> {
    /// Waits for the outcome; `None` if there will be none.
    pub(crate) async fn landed(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The same, blocking this thread.
    pub(crate) fn landed_blocking(self) -> Option<T> {
        // A task that has used up its turn would be told to wait, again and again: only leaving it
        // gives it another.
        let mut landed = pin!(tokio::task::unconstrained(self.landed()));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match landed.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_gets_the_outcome_before_and_after_it_lands() {
        let (pilot, flight) = take_off();
        let early = thread::spawn({
            let flight = flight.clone();
            || flight.landed_blocking()
        });
        pilot.land(7);
        assert_eq!(early.join().unwrap(), Some(7));
        assert_eq!(flight.landed_blocking(), Some(7));
    }

    #[test]
    fn a_dropped_pilot_leaves_no_outcome() {
        let (pilot, flight) = take_off::<u8>();
        let early = thread::spawn({
            let flight = flight.clone();
            || flight.landed_blocking()
        });
        drop(pilot);
        assert_eq!(early.join().unwrap(), None);
        assert_eq!(flight.landed_blocking(), None);
    }
}
