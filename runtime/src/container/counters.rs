//! The counters of a container, each defined in one place.

/// Passes every counter, with its documentation, to a macro that makes fields or methods of them.
macro_rules! each_counter {
    ($make:ident) => {
        $make! {
            /// The number of invocations that began. Warm-up pings do not count.
            invocations
            /// The number of invocations that failed.
            errors
            /// The number of invocations that failed because Lambda's deadline was near.
            deadline_exceeded
            /// The number of pieces of [deferred](crate::defer) work that failed or were dropped at
            /// the deadline.
            deferred_errors
            /// The number of warm-up pings.
            pings
            /// The number of invocations that run now.
            in_flight
        }
    };
}
pub(crate) use each_counter;

macro_rules! define {
    ($($(#[$doc:meta])+ $name:ident)+) => {
        /// The values of all counters.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Counters {
            $(pub(crate) $name: u64,)+
        }

        impl Counters {
            pub(crate) const ZERO: Self = Self { $($name: 0,)+ };

            /// The share of invocations that failed, from 0 to 1; 0 before the first.
            pub(crate) fn error_rate(&self) -> f64 {
                self.errors as f64 / self.invocations.max(1) as f64
            }
        }
    };
}
each_counter!(define);
