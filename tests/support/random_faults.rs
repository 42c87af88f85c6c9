//! The events of the program `random_faults`: what an invocation does, and how it ends. The test and
//! the program share these types.

use serde::{Deserialize, Serialize};

use crate::Random;

/// An event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The number of the event, which its response repeats.
    pub id: u64,
    /// What the handler does first. No error of these ends the invocation, only a panic.
    pub steps: Vec<Step>,
    /// How the handler ends.
    pub end: End,
}

/// A piece of a handler's work.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Calls a cached function without faults.
    Plain(u8),
    /// Calls cached functions whose keys, values and errors have a fault.
    Fetch(u8, Fault),
    /// Refreshes the value of a key.
    Refresh(u8, Fault),
    /// Invalidates the value of a key.
    Invalidate(u8, Fault),
    /// Clears the cache.
    Clear,
    /// A cached function that is not async.
    FetchBlocking(u8, Fault),
    /// A cached function without arguments.
    FetchUnkeyed(Fault),
    /// A cached function that takes a resource.
    FetchFrom(u8, Fault),
    /// Uses a resource, and one that is built from it.
    Use,
    /// Rebuilds a resource. The next attempt has a fault.
    Rebuild(Fault),
    /// The same for a resource whose initialiser does not await.
    RebuildBlocking(Fault),
    /// The same for a resource that remembers its failures.
    RebuildRecoverable(Fault),
    /// The next check of a resource has a fault.
    Check(Fault),
    /// Defers work.
    Defer(Fault),
    /// Waits for a moment.
    Pause,
}

/// A fault in user code. Each panics at one in three of its occasions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// There is none.
    None,
    /// The function returns an error.
    Error,
    /// It panics.
    Panic,
    /// Its future never ends.
    Hang,
    /// `Clone` of the key, the value and the error panics.
    Clone,
    /// Their destructors panic.
    Drop,
    /// `Eq` of the key panics.
    Eq,
    /// `Hash` of the key panics.
    Hash,
    /// `Display` of the error panics.
    Display,
    /// `source` of the error panics.
    Source,
    /// The destructor uses the cache and the container.
    Reenter,
}

/// The end of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// With a response.
    Respond,
    /// The event does not fit its type.
    Misfit,
    /// `Deserialize` panics.
    DeserializePanics,
    /// With an error, which has a fault.
    Fail(Fault),
    /// With a panic.
    Panic,
    /// Panics with a payload whose destructor panics.
    PanicWithBomb,
    /// Never returns, and holds a value whose destructor panics.
    Hang,
    /// Returns, and drops a value whose destructor panics.
    DropPanics,
    /// `Serialize` of the response fails.
    SerializeFails,
    /// `Serialize` of the response panics.
    SerializePanics,
    /// The body of a stream ends so; a handler that does not stream responds.
    BodyFails(Fault),
    /// The body panics.
    BodyPanics,
    /// The body never ends.
    BodyHangs,
    /// The body ends, and its destructor panics.
    BodyDropPanics,
}

impl Fault {
    const ALL: [Fault; 10] = [
        Fault::Error,
        Fault::Panic,
        Fault::Hang,
        Fault::Clone,
        Fault::Drop,
        Fault::Eq,
        Fault::Hash,
        Fault::Display,
        Fault::Source,
        Fault::Reenter,
    ];

    fn random(random: &mut Random) -> Self {
        match random.below(3) {
            0 => Fault::None,
            // A fault that hangs takes 20 ms.
            _ => match random.pick(&Fault::ALL) {
                Fault::Hang if random.below(8) > 0 => Fault::None,
                fault => fault,
            },
        }
    }
}

impl Plan {
    /// A random event.
    pub fn random(id: u64, random: &mut Random) -> Self {
        let count = random.below(4);
        let steps = (0..count).map(|_| Step::random(random)).collect();
        Self { id, steps, end: End::random(random) }
    }

    /// True if nothing but a response may come of this event.
    pub fn is_plain(&self) -> bool {
        self.end == End::Respond
            && self.steps.iter().all(|step| matches!(step, Step::Plain(_) | Step::Pause))
    }

    /// True if this event needs its deadline to end.
    pub fn hangs(&self) -> bool {
        let hangs = |step: &Step| matches!(step, Step::Defer(Fault::Hang));
        matches!(self.end, End::Hang | End::BodyHangs) || self.steps.iter().any(hangs)
    }

    /// The bytes of the event.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

impl Step {
    fn random(random: &mut Random) -> Self {
        let key = random.below(12) as u8;
        let fault = Fault::random(random);
        match random.below(24) {
            0..6 => Step::Plain(key),
            6..10 => Step::Fetch(key, fault),
            10 | 11 => Step::Refresh(key, fault),
            12 => Step::Invalidate(key, fault),
            13 => Step::FetchBlocking(key, fault),
            14 => Step::FetchUnkeyed(fault),
            15 => Step::FetchFrom(key, fault),
            16 | 17 => Step::Use,
            18 => Step::Rebuild(fault),
            19 => Step::RebuildBlocking(fault),
            20 => Step::RebuildRecoverable(fault),
            21 => Step::Check(fault),
            22 => Step::Defer(fault),
            _ => match random.below(8) {
                0 => Step::Clear,
                _ => Step::Pause,
            },
        }
    }
}

impl End {
    fn random(random: &mut Random) -> Self {
        match random.below(100) {
            0..55 => End::Respond,
            55..58 => End::Misfit,
            58..60 => End::DeserializePanics,
            60..67 => End::Fail(Fault::random(random)),
            67..71 => End::Panic,
            71..74 => End::PanicWithBomb,
            74 => End::Hang,
            75..79 => End::DropPanics,
            79..82 => End::SerializeFails,
            82..85 => End::SerializePanics,
            85..89 => End::BodyFails(Fault::random(random)),
            89..93 => End::BodyPanics,
            93 => End::BodyHangs,
            _ => End::BodyDropPanics,
        }
    }
}
