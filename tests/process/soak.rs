//! Random invocations with one outcome each, in constant memory, and a process that is stopped in
//! between. `REWARM_SOAK` sets the number of invocations.

use super::*;

/// The number of concurrent events.
const QUEUE: usize = 32;

/// The maximal growth of a warm process in bytes.
const GROWTH: u64 = 2 * 1024 * 1024;

/// The behaviour that an event requests.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Answer,
    Fail,
    Panic,
    Hang,
    Confuse,
    Malformed,
    NoJson,
    DeferPanic,
    Ping,
}

impl Deed {
    fn at_random(random: u64) -> Self {
        match random % 100 {
            0..55 => Self::Answer,
            55..67 => Self::Fail,
            67..75 => Self::Panic,
            75..77 => Self::Hang,
            77..84 => Self::Confuse,
            84..88 => Self::Malformed,
            88..91 => Self::NoJson,
            91..95 => Self::DeferPanic,
            _ => Self::Ping,
        }
    }

    fn event(self, id: usize) -> Invocation {
        let event = |deed: &str| Invocation::json(json!({ "do": deed, "id": id }));
        match self {
            Self::Answer => event("answer"),
            Self::Fail => event("fail"),
            Self::Panic => event("panic"),
            Self::Hang => event("hang").deadline(Duration::from_millis(252)),
            Self::Confuse => event("confuse"),
            Self::Malformed => event("dance"),
            Self::NoJson => Invocation::raw(format!("{{\"do\": {id}")),
            Self::DeferPanic => event("defer-panic"),
            Self::Ping => Invocation::json(json!({ "warmup": true, "id": id })),
        }
    }

    fn check(self, id: usize, outcome: &Outcome) {
        let (error_type, message) = match self {
            Self::Answer | Self::DeferPanic => return assert_eq!(outcome.json()["id"], id),
            Self::Ping => return assert_eq!(outcome.bytes(), b"null"),
            Self::Fail => ("Refused", format!("cannot pay order {id}: ")),
            Self::Panic => ("Panic", format!("order {id} is cursed, at ")),
            Self::Hang => ("DeadlineExceeded", "the handler was cancelled".to_owned()),
            Self::Confuse => ("InvalidAnswer", "the response cannot be".to_owned()),
            Self::Malformed => ("InvalidEvent", "the event does not fit at `do`".to_owned()),
            Self::NoJson => ("InvalidEvent", "the event does not fit".to_owned()),
        };
        let error = outcome.error();
        assert_eq!(error.error_type, error_type, "{}", error.error_message);
        assert!(error.error_message.starts_with(&message), "{}", error.error_message);
    }
}

#[tokio::test]
async fn each_of_many_invocations_has_one_outcome() {
    let count: usize = match std::env::var("REWARM_SOAK") {
        Ok(text) => text.parse().unwrap(),
        Err(_) if runs_all("2,000 invocations") => 2000,
        Err(_) => return,
    };
    let api = RuntimeApi::start().await;
    // Without logs, which the test would keep in memory.
    let function = Function::builder(FAULTS).env("AWS_LAMBDA_LOG_LEVEL", "OFF").spawn(&api);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut waiting: VecDeque<(usize, Deed, Pending)> = VecDeque::new();
    let (mut invocations, mut failed, mut warm) = (0, 0, 0);
    for id in 0..count {
        if waiting.len() == QUEUE {
            let (id, deed, pending) = waiting.pop_front().unwrap();
            deed.check(id, &pending.outcome().await);
        }
        if id == count / 5 {
            warm = function.resident_bytes();
        }
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let deed = Deed::at_random(random);
        invocations += u64::from(!matches!(deed, Deed::Ping));
        failed += u64::from(!matches!(deed, Deed::Ping | Deed::Answer | Deed::DeferPanic));
        waiting.push_back((id, deed, api.send(deed.event(id))));
    }
    for (id, deed, pending) in waiting {
        deed.check(id, &pending.outcome().await);
    }
    let grown = function.resident_bytes().saturating_sub(warm);
    eprintln!("{count} events, {failed} failed; from {warm} bytes it grew by {grown}");
    assert!(grown < GROWTH, "from {warm} bytes it grew by {grown}");
    api.wait_for_next().await;
    assert_eq!(api.polls(), count + 1);
    let response = api.invoke(json!({ "do": "answer" })).await.json();
    assert_eq!(response["invocation"], invocations + 1);
    assert_eq!((&response["builds"], &response["loads"]), (&json!(4), &json!(1)));
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

#[tokio::test]
async fn a_stopped_process_continues() {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, FAULTS);
    for id in 0..20 {
        api.wait_for_next().await;
        function.signal("STOP");
        let pending = api.send(json!({ "do": "answer", "id": id }));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!pending.is_answered(), "a stopped process does not respond");
        function.signal("CONT");
        let response = pending.outcome().await.json();
        assert_eq!((&response["id"], &response["builds"]), (&json!(id), &json!(4)));
    }
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}
