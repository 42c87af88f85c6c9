//! The state of a resource, and the transitions that are made under its lock.
//!
//! Nothing here calls user code: values that a transition takes out are returned, to be dropped when
//! the lock is released.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::spec::Restore;
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::Erased;
use crate::base::single_flight::{self, Follower, Leader};
use crate::error::ResourceError;

pub(super) struct State {
    /// The value of the last generation.
    current: Option<Erased>,
    /// True if `current` may be used as it is. It is published then.
    ready: bool,
    attempt: Option<Attempt>,
    /// The number of attempts that began. It is the number of the last one.
    attempts: u64,
    /// The number of the attempt that built `current`.
    built_by: u64,
    /// The number of times that `current` was marked stale. An attempt makes the value ready only
    /// if it has not been marked again since the attempt looked at the dependencies: what it saw of
    /// them may be old by then.
    stale_marks: u64,
    /// The handling of `current` by the next attempt, if its dependencies are the same.
    staleness: Restore,
    /// The number of times that `staleness` was raised. It is lowered only by an attempt that saw
    /// the last raise: a plain mark, of a rebuilt dependency, must not undo one of an idle gap.
    raises: u64,
    /// The generations of the dependencies that `current` was built from.
    built_from: Vec<u64>,
    /// A failed attempt, and the time until which it is remembered.
    failure: Option<(ResourceError, Tick)>,
    build_time: Option<Duration>,
    /// Replaced values, and new ones that failed their check, that wait to be closed.
    retired: Vec<Erased>,
    /// The tasks that close values.
    closing: Vec<JoinHandle<()>>,
    /// True once SHUTDOWN has taken `current` to close it.
    is_closed: bool,
    /// True if INIT left it out and no attempt has begun since.
    pub(super) left_out_of_init: bool,
}

/// The attempt that is under way.
struct Attempt {
    number: u64,
    follower: Follower<AttemptResult>,
    run_here: Option<RunHere>,
    /// True while it waits for the resources that a plain initialiser takes.
    is_preparing: bool,
    /// True for a rebuild.
    is_forced: bool,
    /// True for a rebuild whose initialiser has not been called yet: it will see all that was
    /// written before now.
    is_open: bool,
}

/// Runs a queued attempt on the caller's thread, unless another thread has begun it. Fails if a
/// resource that it needs has to be awaited.
pub(super) type RunHere = Arc<dyn Fn() -> Result<(), ResourceError> + Send + Sync>;

/// The result of an attempt, shared by all who wait for it.
#[derive(Clone)]
pub(super) struct AttemptResult {
    pub(super) number: u64,
    /// The number of stale marks that the attempt saw.
    stale_marks: u64,
    /// True for the result of a rebuild.
    is_forced: bool,
    /// `None` if every caller has to try again.
    result: Option<Result<Ready, ResourceError>>,
}

/// A value that an attempt found usable, or built.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) value: Erased,
    is_new: bool,
}

/// The value that a caller wants.
#[derive(Clone, Copy)]
pub(crate) enum Demand {
    /// One that is ready.
    Ready,
    /// One that was built by an attempt that began after this many.
    Rebuilt { after: u64 },
}

/// The next step of a caller.
pub(super) enum NextStep {
    Use(Erased),
    Fail(ResourceError),
    Wait(Wait),
    /// The caller leads the attempt of this number.
    Begin(u64, Leader<AttemptResult>, Wait),
}

/// A wait for an attempt.
pub(super) struct Wait {
    pub(super) follower: Follower<AttemptResult>,
    demand: Demand,
    /// The number of stale marks when the caller asked.
    stale_marks: u64,
}

impl Wait {
    /// The caller's result, or `None` if it has to ask again.
    pub(super) fn accept(&self, done: AttemptResult) -> Option<Result<Erased, ResourceError>> {
        let result = done.result?;
        let is_accepted = match (&result, self.demand) {
            // Of a value that was marked stale before the caller asked, and after the attempt
            // looked, a dependency may be new to the caller already.
            (Ok(_), Demand::Ready) => done.stale_marks >= self.stale_marks,
            // A rebuild that somebody else wanted looks at no value that may be usable.
            (Err(_), Demand::Ready) => !done.is_forced,
            (Ok(ready), Demand::Rebuilt { after }) => ready.is_new && done.number > after,
            (Err(_), Demand::Rebuilt { after }) => done.number > after,
        };
        is_accepted.then(|| result.map(|ready| ready.value))
    }
}

/// The facts on which an attempt decides.
pub(super) struct Seen {
    /// The generations of the dependencies.
    pub(super) from: Vec<u64>,
    pub(super) stale_marks: u64,
    pub(super) raises: u64,
}

/// The success of an attempt.
pub(super) struct Built {
    pub(super) seen: Seen,
    /// The new value and the time that it took; `None` if the old one is as good.
    pub(super) new: Option<(Erased, Duration)>,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            current: None,
            ready: false,
            attempt: None,
            attempts: 0,
            built_by: 0,
            stale_marks: 0,
            staleness: Restore::Keep,
            raises: 0,
            built_from: Vec::new(),
            failure: None,
            build_time: None,
            retired: Vec::new(),
            closing: Vec::new(),
            is_closed: false,
            left_out_of_init: false,
        }
    }

    /// The state of a new container. An attempt that is under way belongs to the old one.
    #[cfg(feature = "testing")]
    pub(super) fn reset(&mut self) -> Self {
        let attempts = self.attempts + 1;
        std::mem::replace(self, Self { attempts, ..Self::new() })
    }

    /// A demand for a value whose initialiser is called from now on.
    pub(super) fn rebuild(&self) -> Demand {
        let is_open = self.attempt.as_ref().is_some_and(|attempt| attempt.is_open);
        Demand::Rebuilt { after: self.attempts - u64::from(is_open) }
    }

    /// The initialiser is called now.
    pub(super) fn begin_build(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.is_open = false;
        }
    }

    pub(super) fn next_step(&mut self, demand: Demand) -> NextStep {
        let is_met = match demand {
            Demand::Ready => self.ready,
            Demand::Rebuilt { after } => self.built_by > after,
        };
        if let Some(value) = self.current.as_ref().filter(|_| is_met) {
            return NextStep::Use(Arc::clone(value));
        }
        // With a value, an attempt checks that first.
        if let (Demand::Ready, None, None) = (demand, &self.current, &self.attempt)
            && let Some(error) = self.failure()
        {
            return NextStep::Fail(error);
        }
        let wait = |follower| Wait { follower, demand, stale_marks: self.stale_marks };
        if let Some(attempt) = &self.attempt {
            return NextStep::Wait(wait(attempt.follower.clone()));
        }
        let (leader, follower) = single_flight::new();
        self.attempts += 1;
        let (number, follower_of_all) = (self.attempts, follower.clone());
        let is_forced = matches!(demand, Demand::Rebuilt { .. });
        self.attempt = Some(Attempt {
            number,
            follower: follower_of_all,
            run_here: None,
            is_preparing: false,
            is_forced,
            is_open: is_forced,
        });
        NextStep::Begin(self.attempts, leader, wait(follower))
    }

    /// The attempt of this number waits for a thread, and before that for the resources that it
    /// needs if `is_preparing`.
    pub(super) fn queue(&mut self, number: u64, run_here: RunHere, is_preparing: bool) {
        if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.number == number) {
            attempt.run_here = Some(run_here);
            attempt.is_preparing = is_preparing;
        }
    }

    /// The attempt of this number has the resources that it needs.
    pub(super) fn end_preparation(&mut self, number: u64) {
        if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.number == number) {
            attempt.is_preparing = false;
        }
    }

    /// True while an attempt waits for the resources that it needs.
    pub(super) fn is_preparing(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.is_preparing)
    }

    /// The value, if it is ready.
    pub(super) fn ready(&self) -> Option<Erased> {
        self.current.clone().filter(|_| self.ready)
    }

    /// The attempt that waits for a thread, if it does.
    pub(super) fn queued(&self) -> Option<RunHere> {
        self.attempt.as_ref()?.run_here.clone()
    }

    /// The attempt of this number ends, or its task is dropped. Returns true for a rebuild.
    pub(super) fn end_attempt(&mut self, number: u64) -> bool {
        let ended = self.attempt.take_if(|attempt| attempt.number == number);
        ended.is_some_and(|attempt| attempt.is_forced)
    }

    /// False if the attempt belongs to an earlier simulated container.
    pub(super) fn is_attempt(&self, number: u64) -> bool {
        self.attempts == number
    }

    /// The marks that an attempt has to see.
    pub(super) fn marks(&self) -> (u64, u64) {
        (self.stale_marks, self.raises)
    }

    /// The value of the last generation, with what is to be done with it before it is used.
    pub(super) fn current(&self, from: &[u64]) -> Option<(Erased, Restore)> {
        let staleness = if self.built_from == from { self.staleness } else { Restore::Rebuild };
        self.current.clone().map(|value| (value, staleness))
    }

    /// The failure that is remembered now.
    pub(super) fn failure(&self) -> Option<ResourceError> {
        let (error, until) = self.failure.as_ref()?;
        (CLOCK.now() < *until).then(|| error.clone())
    }

    /// Remembers a failure, and returns the one that was remembered before.
    pub(super) fn remember(
        &mut self,
        error: ResourceError,
        pause: Duration,
    ) -> Option<(ResourceError, Tick)> {
        self.failure.replace((error, CLOCK.now().after(pause)))
    }

    /// Stores a new generation, and returns the value that it replaces. It is not ready yet.
    pub(super) fn replace(
        &mut self,
        value: Erased,
        time: Duration,
        from: Vec<u64>,
        closes: bool,
    ) -> Option<Erased> {
        self.built_by = self.attempts;
        let replaced = self.current.replace(value);
        if closes {
            // SHUTDOWN closes a value once, and one that is built later, too.
            let unclosed = if self.is_closed { &self.current } else { &replaced };
            self.retired.extend(unclosed.clone());
        }
        self.ready = false;
        self.built_from = from;
        self.build_time = Some(time);
        replaced
    }

    /// Ends a successful attempt. Returns the value to be published, if it is ready, and the failure
    /// that is not remembered any more.
    pub(super) fn succeed(
        &mut self,
        seen: &Seen,
    ) -> (Option<Erased>, Option<(ResourceError, Tick)>) {
        if self.raises == seen.raises {
            self.staleness = Restore::Keep;
        }
        self.ready = self.stale_marks == seen.stale_marks;
        (self.ready(), self.failure.take())
    }

    /// The shared result of a successful attempt.
    pub(super) fn result(&self, number: u64, seen: &Seen, is_new: bool) -> Option<AttemptResult> {
        let value = self.current.clone()?;
        let result = Some(Ok(Ready { value, is_new }));
        Some(AttemptResult { number, stale_marks: seen.stale_marks, is_forced: false, result })
    }

    /// Marks the value stale. Returns true if it was ready: it must not be published any more.
    pub(super) fn mark_stale(&mut self, staleness: Restore) -> bool {
        self.stale_marks += 1;
        if staleness > Restore::Keep {
            self.staleness = self.staleness.max(staleness);
            self.raises += 1;
        }
        std::mem::take(&mut self.ready)
    }

    pub(super) fn is_built(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn is_stale(&self) -> bool {
        self.current.is_some() && !self.ready
    }

    pub(super) fn is_building(&self) -> bool {
        self.attempt.is_some()
    }

    pub(super) fn build_time(&self) -> Option<Duration> {
        self.build_time
    }

    /// Keeps a value that is of no use until it is closed.
    pub(super) fn retire(&mut self, value: Erased) {
        self.retired.push(value);
    }

    pub(super) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Takes a replaced value that is not in use any more.
    pub(super) fn take_retired(&mut self) -> Option<Erased> {
        let unused = self.retired.iter().position(|value| Arc::strong_count(value) == 1)?;
        Some(self.retired.swap_remove(unused))
    }

    /// A value that was taken is being closed by this task.
    pub(super) fn closes(&mut self, task: JoinHandle<()>) {
        self.closing.retain(|task| !task.is_finished());
        self.closing.push(task);
    }

    /// Takes all values that wait to be closed, the last generation included if it has not been
    /// taken before, and the tasks that close others.
    pub(super) fn take_all(&mut self) -> (Vec<Erased>, Vec<JoinHandle<()>>) {
        let mut values = std::mem::take(&mut self.retired);
        if !std::mem::replace(&mut self.is_closed, true) {
            values.extend(self.current.clone());
        }
        (values, std::mem::take(&mut self.closing))
    }
}

impl AttemptResult {
    pub(super) fn failed(number: u64, is_forced: bool, error: ResourceError) -> Self {
        Self { number, stale_marks: u64::MAX, is_forced, result: Some(Err(error)) }
    }

    /// The result of an attempt that did not call the initialiser.
    pub(super) fn try_again(number: u64) -> Self {
        Self { number, stale_marks: 0, is_forced: false, result: None }
    }
}

/// All interleavings of a few callers, rebuilds and attempts, over the real [`State`] of a resource and
/// of one that is built from it. An actor's step is what `lifecycle` does under one lock, or one read
/// without it; the order of these steps is a copy of that of `lifecycle`.
#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::FutureExt;

    use super::*;
    use crate::base::single_flight::Completion;

    const DB: usize = 0;
    const REPOSITORY: usize = 1;

    struct Resource {
        state: State,
        generation: u64,
        published: Option<Erased>,
    }

    #[derive(Default)]
    struct World {
        resources: Vec<Resource>,
        actors: Vec<Actor>,
        /// The number of values of the database that were built.
        built: u64,
    }

    /// A caller's way to a value.
    enum Asking {
        Ask,
        Waiting(Wait),
    }

    struct Ask {
        resource: usize,
        demand: Demand,
        asking: Asking,
    }

    enum Actor {
        /// Asks for the database, and then for the repository.
        Reader(Ask, Option<u64>),
        /// Has called when so many values were built, and asks.
        Rebuilder(Ask, u64),
        /// Has not called yet.
        Rebuild,
        /// An idle gap ends: marks the database for its check, then the repository.
        IdleGap {
            next: usize,
        },
        Attempt(Box<Attempting>),
        Done,
    }

    struct Attempting {
        resource: usize,
        number: u64,
        leader: Leader<AttemptResult>,
        rebuild: bool,
        step: Step,
        /// Of the repository.
        dependency: Ask,
        marks: (u64, u64),
        from: Vec<u64>,
        new: Option<Erased>,
        replaced: bool,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Step {
        EnsureDependency,
        ReadMarks,
        ReadGenerations,
        Decide,
        BeginBuild,
        Build,
        Replace,
        MarkDependents,
        Succeed,
        Complete,
    }

    fn number_of(value: &Erased) -> u64 {
        *value.downcast_ref::<u64>().unwrap()
    }

    impl Ask {
        fn new(resource: usize, demand: Demand) -> Self {
            Self { resource, demand, asking: Asking::Ask }
        }
    }

    impl World {
        fn new(actors: Vec<Actor>) -> Self {
            let resource = || Resource { state: State::new(), generation: 0, published: None };
            Self { resources: vec![resource(), resource()], actors, built: 0 }
        }

        /// One step of a caller: `None` if it cannot be made now, or the value.
        fn ask(&mut self, ask: &mut Ask) -> Option<Option<Erased>> {
            let resource = &mut self.resources[ask.resource];
            let asking = std::mem::replace(&mut ask.asking, Asking::Ask);
            match asking {
                Asking::Ask => {
                    if let (Demand::Ready, Some(value)) = (ask.demand, &resource.published) {
                        return Some(Some(Arc::clone(value)));
                    }
                    match resource.state.next_step(ask.demand) {
                        NextStep::Use(value) => return Some(Some(value)),
                        NextStep::Fail(error) => panic!("nothing fails: {error}"),
                        NextStep::Wait(wait) => ask.asking = Asking::Waiting(wait),
                        NextStep::Begin(number, leader, wait) => {
                            ask.asking = Asking::Waiting(wait);
                            let rebuild = matches!(ask.demand, Demand::Rebuilt { .. });
                            self.begin(ask.resource, number, leader, rebuild);
                        }
                    }
                    Some(None)
                }
                Asking::Waiting(wait) => match wait.follower.clone().wait().now_or_never() {
                    None => {
                        ask.asking = Asking::Waiting(wait);
                        None
                    }
                    Some(Completion::Completed(done)) => {
                        Some(wait.accept(done).map(|result| result.unwrap()))
                    }
                    Some(_) => panic!("nothing is abandoned, and there is no circle"),
                },
            }
        }

        fn begin(
            &mut self,
            resource: usize,
            number: u64,
            leader: Leader<AttemptResult>,
            rebuild: bool,
        ) {
            let mut attempt = Attempting {
                resource,
                number,
                leader,
                rebuild,
                step: Step::ReadMarks,
                dependency: Ask::new(DB, Demand::Ready),
                marks: (0, 0),
                from: Vec::new(),
                new: None,
                replaced: false,
            };
            if resource == REPOSITORY {
                attempt.step = Step::EnsureDependency;
                self.ensure_dependency(&mut attempt);
            }
            self.actors.push(Actor::Attempt(Box::new(attempt)));
        }

        fn ensure_dependency(&mut self, attempt: &mut Attempting) -> bool {
            match self.ask(&mut attempt.dependency) {
                None => return false,
                Some(None) => {}
                Some(Some(_)) => attempt.step = Step::ReadMarks,
            }
            true
        }

        fn attempt(&mut self, attempt: &mut Attempting) -> bool {
            let resource = attempt.resource;
            attempt.step = match attempt.step {
                Step::EnsureDependency => return self.ensure_dependency(attempt),
                Step::ReadMarks => {
                    attempt.marks = self.resources[resource].state.marks();
                    Step::ReadGenerations
                }
                Step::ReadGenerations => {
                    if resource == REPOSITORY {
                        attempt.from = vec![self.resources[DB].generation];
                    }
                    Step::Decide
                }
                Step::Decide => {
                    let current = self.resources[resource].state.current(&attempt.from);
                    match current.filter(|_| !attempt.rebuild) {
                        // A check succeeds.
                        Some((_, Restore::Keep | Restore::Check)) => Step::Succeed,
                        Some((_, Restore::Rebuild)) | None => Step::BeginBuild,
                    }
                }
                Step::BeginBuild => {
                    self.resources[resource].state.begin_build();
                    attempt.dependency = Ask::new(DB, Demand::Ready);
                    Step::Build
                }
                Step::Build if resource == DB => {
                    self.built += 1;
                    attempt.new = Some(Arc::new(self.built));
                    Step::Replace
                }
                // The initialiser takes its parameters.
                Step::Build => match self.ask(&mut attempt.dependency) {
                    None => return false,
                    Some(None) => Step::Build,
                    Some(Some(db)) => {
                        attempt.new = Some(db);
                        Step::Replace
                    }
                },
                Step::Replace => {
                    let this = &mut self.resources[resource];
                    let value = attempt.new.clone().unwrap();
                    let from = attempt.from.clone();
                    let replaced = this.state.replace(value, Duration::ZERO, from, false);
                    this.generation += 1;
                    this.published = None;
                    attempt.replaced = replaced.is_some();
                    Step::MarkDependents
                }
                Step::MarkDependents => {
                    if attempt.replaced && resource == DB {
                        self.mark(REPOSITORY, Restore::Keep);
                    }
                    Step::Succeed
                }
                Step::Succeed => {
                    let this = &mut self.resources[resource];
                    let (ready, _) = this.state.succeed(&attempt.seen());
                    this.published = ready;
                    this.state.end_attempt(attempt.number);
                    Step::Complete
                }
                Step::Complete => return false,
            };
            if attempt.step == Step::Complete {
                let state = &self.resources[resource].state;
                let result = state.result(attempt.number, &attempt.seen(), attempt.new.is_some());
                attempt.leader.complete(result.unwrap());
            }
            true
        }

        fn mark(&mut self, resource: usize, staleness: Restore) {
            let this = &mut self.resources[resource];
            if this.state.mark_stale(staleness) {
                this.published = None;
            }
        }

        /// Makes a step of that actor. Returns false if it has to wait.
        fn step(&mut self, index: usize) -> bool {
            let mut actor = std::mem::replace(&mut self.actors[index], Actor::Done);
            let progress = match &mut actor {
                Actor::Reader(ask, db) => match self.ask(ask) {
                    None => false,
                    Some(None) => true,
                    Some(Some(value)) => {
                        let value = number_of(&value);
                        match *db {
                            None => {
                                *db = Some(value);
                                *ask = Ask::new(REPOSITORY, Demand::Ready);
                            }
                            Some(db) => {
                                assert!(value >= db, "the repository of {value} after db {db}");
                                actor = Actor::Done;
                            }
                        }
                        true
                    }
                },
                Actor::Rebuild => {
                    let demand = self.resources[DB].state.rebuild();
                    actor = Actor::Rebuilder(Ask::new(DB, demand), self.built);
                    true
                }
                Actor::Rebuilder(ask, built) => match self.ask(ask) {
                    None => false,
                    Some(None) => true,
                    Some(Some(value)) => {
                        assert!(number_of(&value) > *built, "a value from before the call");
                        actor = Actor::Done;
                        true
                    }
                },
                Actor::IdleGap { next } => {
                    let staleness = if *next == DB { Restore::Check } else { Restore::Keep };
                    self.mark(*next, staleness);
                    *next += 1;
                    if *next > REPOSITORY {
                        actor = Actor::Done;
                    }
                    true
                }
                Actor::Attempt(attempt) => {
                    let progress = self.attempt(attempt);
                    if attempt.step == Step::Complete {
                        actor = Actor::Done;
                    }
                    progress
                }
                Actor::Done => false,
            };
            self.actors[index] = actor;
            progress
        }

        /// All of the world that its future depends on.
        fn fingerprint(&self) -> String {
            use std::fmt::Write;
            let mut text = String::new();
            let value = |value: &Option<Erased>| value.as_ref().map(number_of);
            for Resource { state, generation, published } in &self.resources {
                let attempt =
                    state.attempt.as_ref().map(|attempt| (attempt.number, attempt.is_open));
                let _ = write!(
                    text,
                    "{:?}",
                    (
                        value(&state.current),
                        state.ready,
                        attempt,
                        state.attempts,
                        state.built_by,
                        (state.stale_marks, state.raises, state.staleness as u8),
                        &state.built_from,
                        generation,
                        value(published),
                    )
                );
            }
            let ask = |ask: &Ask| {
                let after = match ask.demand {
                    Demand::Ready => None,
                    Demand::Rebuilt { after } => Some(after),
                };
                let wait = match &ask.asking {
                    Asking::Ask => None,
                    Asking::Waiting(wait) => {
                        let done = match wait.follower.clone().wait().now_or_never() {
                            Some(Completion::Completed(done)) => {
                                let ready = done.result.and_then(Result::ok);
                                let ready = ready.map(|it| (number_of(&it.value), it.is_new));
                                Some((done.number, done.stale_marks, ready))
                            }
                            _ => None,
                        };
                        Some((wait.stale_marks, done))
                    }
                };
                (ask.resource, after, wait)
            };
            for actor in &self.actors {
                let _ = match actor {
                    Actor::Reader(a, db) => write!(text, "r{:?}{db:?}", ask(a)),
                    Actor::Rebuilder(a, built) => write!(text, "b{:?}{built}", ask(a)),
                    Actor::Rebuild => write!(text, "B"),
                    Actor::IdleGap { next } => write!(text, "g{next}"),
                    Actor::Attempt(a) => write!(
                        text,
                        "a{:?}",
                        (
                            (a.resource, a.number, a.rebuild, a.step),
                            ask(&a.dependency),
                            a.marks,
                            &a.from,
                            value(&a.new),
                            a.replaced
                        )
                    ),
                    Actor::Done => write!(text, "d"),
                };
            }
            text
        }
    }

    impl Attempting {
        fn seen(&self) -> Seen {
            Seen { from: self.from.clone(), stale_marks: self.marks.0, raises: self.marks.1 }
        }
    }

    /// Runs every interleaving once, up to states that were seen before. Returns the number of states.
    fn explore(world: fn() -> World) -> usize {
        let mut seen = HashSet::new();
        let mut paths = vec![Vec::new()];
        while let Some(path) = paths.pop() {
            let replay = || {
                let mut world = world();
                path.iter().for_each(|actor| assert!(world.step(*actor)));
                world
            };
            let is_done = |actor: &Actor| matches!(actor, Actor::Done);
            let done: Vec<_> = replay().actors.iter().map(is_done).collect();
            let mut is_stuck = !done.iter().all(|is_done| *is_done);
            for actor in (0..done.len()).filter(|actor| !done[*actor]) {
                let mut next = replay();
                if !next.step(actor) {
                    continue;
                }
                is_stuck = false;
                if seen.insert(next.fingerprint()) {
                    let mut longer = path.clone();
                    longer.push(actor);
                    paths.push(longer);
                }
            }
            assert!(!is_stuck, "stuck after {path:?}");
        }
        seen.len()
    }

    fn reader() -> Actor {
        Actor::Reader(Ask::new(DB, Demand::Ready), None)
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many states")]
    fn no_interleaving_gives_a_dependent_of_an_older_generation() {
        let rebuilds = || World::new(vec![reader(), reader(), Actor::Rebuild]);
        let gaps = || World::new(vec![reader(), Actor::Rebuild, Actor::IdleGap { next: DB }]);
        let twice = || World::new(vec![reader(), Actor::Rebuild, Actor::Rebuild]);
        for world in [rebuilds as fn() -> World, gaps, twice] {
            let states = explore(world);
            assert!(states > 1000, "{states} states");
        }
    }
}
