//! That reuse changes nothing: the same events, alone in cold containers and together in warm ones.

use serde::Serialize;
use serde_json::Value;

use super::subprocess::{self, Assertion, RunOutcome, Task, Way};
#[cfg(target_os = "linux")]
use super::tmp_files::Litter;
use super::{Container, json};
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;

/// Holds that reuse changes nothing: each event alone in a cold container, then all in one, then
/// all in one in reverse, then all at the same time, have the same answers.
///
/// Under `cargo test` each container has a process of its own, so that state is found wherever it
/// hides: in statics of a library, too. What one leaves in `/tmp` is removed with it (on Linux),
/// unless the function sets permissions of its own for it; a file that was there before the test is
/// a part of the world. `container` makes one: the handler's own `container` function.
///
/// The processes are found by the test's name. Where that is not known (in a task on another
/// thread, with one test thread, in a documentation test), all containers are this process's, and a
/// line on stderr says so.
///
/// # Panics
/// At the first answer that differs, with the place in it, and the files that were left behind.
/// If an event cannot be written as JSON.
pub async fn assert_reuse_safe<H, F, E>(container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Serialize>,
{
    assert_reuse_safe_except(&[], container, events).await;
}

/// As [`assert_reuse_safe`], but for the places in an answer that may differ, as times and ids do:
/// JSON pointers (RFC 6901), as `/order/id`.
///
/// ```standalone_crate
/// use rewarm::handler;
/// use rewarm::testing::assert_reuse_safe_except;
/// use serde_json::{Value, json};
///
/// #[handler]
/// async fn order(event: Value) -> Value {
///     json!({ "id": rewarm::container().invocations(), "order": event })
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_reuse_safe_except(&["/id"], order::container, [json!(1), json!(2)]).await;
/// # }
/// ```
///
/// # Panics
/// As [`assert_reuse_safe`].
pub async fn assert_reuse_safe_except<H, F, E>(ignore: &[&str], container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Serialize>,
{
    let events: Vec<Value> = events.into_iter().map(json).collect();
    let mut assertion = Assertion::begin();
    match assertion.task() {
        Task::Assert => {}
        Task::Pass => return,
        Task::Answer(way) => {
            #[cfg(target_os = "linux")]
            let litter = Litter::watch();
            let mut outcome = put_through(&container, &events, &way).await;
            #[cfg(target_os = "linux")]
            outcome.left.extend(litter.take_away());
            subprocess::answer(&outcome);
        }
    }
    let all = || (0..events.len()).collect::<Vec<_>>();
    let backwards = || (0..events.len()).rev().collect();
    let one_by_one = |events| Way { events, at_once: false };
    let mut alone = Vec::new();
    for n in all() {
        let outcome = match assertion.ask(one_by_one(vec![n])) {
            Ok(outcome) => outcome,
            Err(way) => put_through(&container, &events, &way).await,
        };
        alone.extend(outcome.answers.into_iter().map(|answer| without(answer, ignore)));
    }
    for (how, way) in [
        ("after the events before it", one_by_one(all())),
        ("after the events behind it", one_by_one(backwards())),
        ("at the same time as the others", Way { events: all(), at_once: true }),
    ] {
        let order = way.events.clone();
        let RunOutcome { answers, left } = match assertion.ask(way) {
            Ok(outcome) => outcome,
            Err(way) => put_through(&container, &events, &way).await,
        };
        for (n, answer) in order.into_iter().zip(answers) {
            let Some(place) = difference(&alone[n], &without(answer, ignore), "") else {
                continue;
            };
            let event = &events[n];
            let mut text =
                format!("reuse changes an answer\n  event {n}: {event}\n  {how}\n  {place}");
            if !left.is_empty() {
                text += &format!("\n  left behind: {}", left.join(", "));
            }
            assertion.fail(text);
        }
    }
}

/// Puts events through one cold container of this process.
async fn put_through<H, F>(container: &F, events: &[Value], way: &Way) -> RunOutcome
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
{
    let mut container = container().await;
    let events = way.events.iter().filter_map(|n| events.get(*n));
    let answers = match way.at_once {
        true => container.invoke_all(events).await,
        false => {
            let mut answers = Vec::new();
            for event in events {
                answers.push(container.invoke(event).await);
            }
            answers
        }
    };
    RunOutcome { answers: answers.into_iter().map(comparable).collect(), left: Vec::new() }
}

/// An answer, or the error in its place.
fn comparable(answer: Result<Value, InvocationError>) -> Value {
    answer.unwrap_or_else(|error| Value::String(error.to_string()))
}

/// An answer without what may differ.
fn without(mut answer: Value, ignore: &[&str]) -> Value {
    for pointer in ignore {
        if let Some(place) = answer.pointer_mut(pointer) {
            *place = Value::Null;
        }
    }
    answer
}

/// The first place at which two answers differ, and both values there.
fn difference(cold: &Value, warm: &Value, place: &str) -> Option<String> {
    match (cold, warm) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(value, &b[key], &format!("{place}/{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(n, (a, b))| difference(a, b, &format!("{place}/{n}")))
        }
        _ if cold == warm => None,
        _ => {
            let place = if place.is_empty() { "the answer" } else { place };
            Some(format!("{place}: {cold} in a cold container, {warm} here"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named() {
        let cold = json!({ "order": { "items": [1, 2, 3] }, "id": 7 });
        assert_eq!(difference(&cold, &cold.clone(), ""), None);
        let warm = json!({ "order": { "items": [1, 5, 6] }, "id": 7 });
        let first = difference(&cold, &warm, "").unwrap();
        assert_eq!(first, "/order/items/1: 2 in a cold container, 5 here");
        let other = difference(&json!(1), &json!({ "a": 1 }), "").unwrap();
        assert_eq!(other, "the answer: 1 in a cold container, {\"a\":1} here");
    }

    #[test]
    fn what_is_ignored_does_not_differ() {
        let cold = without(json!({ "id": 1, "at": [1, 2] }), &["/id", "/at/1", "/none"]);
        assert_eq!(cold, json!({ "id": null, "at": [1, null] }));
    }
}
