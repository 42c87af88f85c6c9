//! Random faults in everything that belongs to a user, and in the Runtime API: every event that was
//! delivered gets one response or error, which is its own; the process stays alive; and SIGTERM closes
//! each value once. `REWARM_SOAK` sets the number of invocations of each test, `REWARM_SEED` the seed.

use rewarm_tests::random_faults::{End, Plan, Step};

use super::*;

/// The number of concurrent events.
const QUEUE: usize = 32;

/// An invocation that takes as long hangs.
const HANGS: Duration = Duration::from_secs(10);

/// An event under way.
struct Sent {
    plan: Plan,
    is_cut_off: bool,
    pending: Pending,
}

/// One run of the program.
#[derive(Clone, Copy, Debug)]
struct Run {
    handler: &'static str,
    concurrency: usize,
    threads: usize,
    /// True if the subscriber and the sink panic, too: any invocation may fail of that.
    subscriber: bool,
}

impl Run {
    fn spawn(&self, api: &RuntimeApi) -> Function {
        let function = Function::builder(env!("CARGO_BIN_EXE_random_faults"))
            .env("RUN", self.handler)
            .env("AWS_LAMBDA_LOG_LEVEL", "OFF")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", self.concurrency.to_string())
            .env("TOKIO_WORKER_THREADS", self.threads.to_string());
        match self.subscriber {
            true => function.env("SUBSCRIBER", "1").spawn(api),
            false => function.spawn(api),
        }
    }

    fn is_streamed(&self) -> bool {
        self.handler == "streamed"
    }

    /// Sends a random event, at which the Runtime API may fail in a random way.
    fn send(&self, api: &RuntimeApi, id: u64, random: &mut Random) -> Sent {
        let plan = Plan::random(id, random);
        let mut invocation = Invocation::raw(plan.json());
        if plan.hangs() {
            invocation = invocation.deadline(Duration::from_millis(40));
        }
        if random.below(400) == 0 {
            let faults = [
                PollFault::Close,
                PollFault::Status(500),
                PollFault::Status(503),
                PollFault::Status(204),
                PollFault::NoRequestId,
            ];
            invocation = invocation.poll_faults([random.pick(&faults)]);
        }
        if random.below(60) == 0 {
            let (name, value) = random.pick(&[
                ("Lambda-Runtime-Client-Context", r#"{"custom":{"a":1}}"#),
                ("Lambda-Runtime-Client-Context", r#"{"client":{}}"#),
                ("Lambda-Runtime-Cognito-Identity", "{}"),
                ("Lambda-Runtime-Trace-Id", "Root=1-0-0"),
                ("Content-Type", "text/html; charset=nonsense"),
            ]);
            invocation = invocation.header(name, value);
        }
        if random.below(80) == 0 && !plan.hangs() {
            invocation = invocation.header("Lambda-Runtime-Deadline-Ms", "soon");
        }
        if random.below(40) == 0 {
            use PostFault::{AcceptAndClose, Close, Refuse};
            let faults: [&[PostFault]; 6] = [
                &[Close],
                &[Close, Close],
                &[Close, Refuse(413)],
                &[Refuse(413)],
                &[Refuse(500)],
                &[AcceptAndClose],
            ];
            invocation = invocation.post_faults(random.pick(&faults).iter().copied());
        }
        let is_cut_off = random.below(100) == 0;
        if is_cut_off {
            invocation = invocation.cut_off();
        }
        Sent { plan, is_cut_off, pending: api.send(invocation) }
    }

    /// Checks the outcome of an event, and returns its error type, or the empty text.
    fn check(&self, plan: &Plan, is_cut_off: bool, request_id: &str, outcome: &Outcome) -> String {
        let Plan { id, end, ref steps } = *plan;
        let (error_type, message) = match (&outcome.result, outcome.trailing_error_type()) {
            (Err(error), _) => (error.error_type.as_str(), error.error_message.as_str()),
            (Ok(_), Some(error_type)) => (error_type, ""),
            (Ok(_), None) => ("", ""),
        };
        assert!(!message.contains("WRONG"), "{message}");
        let is_streamed = self.is_streamed();
        let expected: &[&str] = match end {
            _ if is_cut_off => &["InvalidEvent"],
            End::Misfit => &["InvalidEvent"],
            End::DeserializePanics | End::Panic | End::PanicWithBomb | End::SerializePanics => {
                &["Panic"]
            }
            End::Fail(_) => &["Trouble"],
            End::Hang => &["DeadlineExceeded"],
            End::SerializeFails if is_streamed => &["Trouble"],
            End::SerializeFails => &["InvalidAnswer"],
            End::BodyFails(_) if is_streamed => &["Trouble"],
            End::BodyPanics if is_streamed => &["Panic"],
            End::BodyHangs if is_streamed => &["DeadlineExceeded"],
            End::Respond
            | End::DropPanics
            | End::BodyFails(_)
            | End::BodyPanics
            | End::BodyHangs
            | End::BodyDropPanics => &[""],
        };
        // The traps of steps, of destructors and of the subscriber.
        let is_trap = error_type == "Panic"
            && (message.contains("trap") || outcome.result.is_ok())
            && (!plan.is_plain() || self.subscriber);
        let is_late = error_type == "DeadlineExceeded" && plan.hangs();
        // There may be no time left for the trailers of a body that hangs.
        let is_cut =
            error_type == "(cut short)" && is_streamed && (plan.hangs() || self.subscriber);
        assert!(
            expected.contains(&error_type) || is_trap || is_late || is_cut,
            "{error_type}: {message}, instead of {expected:?}"
        );
        if let Ok(body) = &outcome.result {
            let text = String::from_utf8_lossy(body);
            let text = text.rsplit("\0\0\0\0\0\0\0\0").next().unwrap();
            let answer = text.strip_suffix(" end").unwrap_or(text);
            let plain = |step: &Step| match step {
                Step::Plain(key) => u64::from(*key) * 2 + 1,
                _ => 0,
            };
            let sum = 11_000 + steps.iter().map(plain).sum::<u64>();
            if !text.is_empty() || error_type.is_empty() {
                let answer: Value = serde_json::from_str(answer)
                    .unwrap_or_else(|error| panic!("{error} in {answer:?}"));
                assert_eq!(answer, json!([id, request_id, sum]));
            }
            assert_eq!(text.ends_with(" end"), is_streamed && error_type.is_empty(), "{text:?}");
        }
        error_type.to_owned()
    }

    async fn run(self, count: u64, seed: u64) {
        let api = RuntimeApi::start().await;
        let function = self.spawn(&api);
        let mut random = Random(seed);
        let mut waiting = VecDeque::new();
        let mut outcomes = BTreeMap::<String, u64>::new();
        let mut plain_failed = 0;
        let start = Instant::now();
        for id in 0..count + QUEUE as u64 {
            if id < count {
                waiting.push_back(self.send(&api, id, &mut random));
            }
            if waiting.len() == QUEUE || id >= count {
                let Some(sent) = waiting.pop_front() else {
                    break;
                };
                let Sent { plan, is_cut_off, pending } = sent;
                let request_id = pending.request_id().to_owned();
                let outcome = tokio::time::timeout(HANGS, pending.outcome());
                let Ok(outcome) = outcome.await else {
                    panic!("REWARM_SEED={seed}, {self:?}, {plan:?}: no outcome");
                };
                let checked = std::panic::AssertUnwindSafe(|| {
                    self.check(&plan, is_cut_off, &request_id, &outcome)
                });
                let error_type = std::panic::catch_unwind(checked).unwrap_or_else(|_| {
                    panic!("REWARM_SEED={seed}, {self:?}, {plan:?}: {:?}", outcome.result)
                });
                plain_failed += u64::from(plan.is_plain() && !error_type.is_empty());
                *outcomes.entry(error_type).or_default() += 1;
            }
        }
        eprintln!("{self:?}: {count} events in {:?}: {outcomes:?}", start.elapsed());
        api.wait_for_pollers(self.concurrency).await;
        assert!(plain_failed <= count / 20, "{plain_failed} of {count} events without faults");
        let cut_short =
            |violation: &String| self.is_streamed() && violation.starts_with("malformed request");
        let violations: Vec<_> = api.violations().into_iter().filter(|v| !cut_short(v)).collect();
        assert!(violations.is_empty(), "REWARM_SEED={seed}, {self:?}: {violations:#?}");

        // Attempts that are under way end, or are given up.
        tokio::time::sleep(Duration::from_millis(100)).await;
        function.signal("TERM");
        assert_eq!(function.wait().await.code(), Some(0), "REWARM_SEED={seed}, {self:?}");
        let (mut built, mut closed) = (BTreeSet::new(), BTreeSet::new());
        for line in function.stdout() {
            if let Some(value) = line.strip_prefix("built ") {
                built.insert(value.to_owned());
            } else if let Some(value) = line.strip_prefix("closed ") {
                assert!(closed.insert(value.to_owned()), "REWARM_SEED={seed}: {line} twice");
            }
        }
        let left: Vec<_> = built.difference(&closed).collect();
        assert!(
            left.is_empty(),
            "REWARM_SEED={seed}, {self:?}: of {} not closed: {left:?}",
            built.len()
        );
        assert!(closed.is_subset(&built) && built.len() as u64 >= count / 100, "{}", built.len());
    }
}

/// Runs both handlers with half of the invocations each.
async fn run(concurrency: usize, threads: usize, subscriber: bool) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let default = if is_set("REWARM_ALL") { 6000 } else { 1000 };
    let count = number("REWARM_SOAK").unwrap_or(default);
    let seed = number("REWARM_SEED").unwrap_or(20_261_127);
    for handler in ["buffered", "streamed"] {
        Run { handler, concurrency, threads, subscriber }.run(count / 2, seed).await;
    }
}

#[tokio::test]
async fn one_at_a_time() {
    run(1, 1, false).await;
}

#[tokio::test]
async fn one_at_a_time_with_a_subscriber_that_panics() {
    run(1, 1, true).await;
}

#[tokio::test]
async fn eight_at_a_time_on_one_thread() {
    run(8, 1, false).await;
}

#[tokio::test]
async fn eight_at_a_time_on_four_threads() {
    run(8, 4, false).await;
}

#[tokio::test]
async fn eight_at_a_time_on_four_threads_with_a_subscriber_that_panics() {
    run(8, 4, true).await;
}
