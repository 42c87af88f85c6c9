//! Asserts that container reuse changes no response: events get the same responses in cold and in
//! reused containers.

use serde::Serialize;
use serde_json::Value;

use super::subprocess::{self, Assertion, Plan, PlanResult, Role};
#[cfg(target_os = "linux")]
use super::tmp_files::TmpFiles;
use super::{Container, json};
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;

/// Asserts that container reuse changes no response of a function.
///
/// Each event is invoked in a cold container. Its response must be the same in three reused
/// containers: one that is invoked with all events in order, one in reverse order, and one
/// concurrently. An invocation that fails has its error as the response.
///
/// `container` is the `container` function of the handler. Use events of different customers: it is
/// their data that must not mix.
///
/// # Processes and files
///
/// Under `cargo test`, each container runs in a process of its own, so that state in any static is
/// detected, in those of libraries, too. The process runs the same test: the code before the
/// assertion runs again in each.
///
/// On Linux, the files that a container leaves in `/tmp` are removed with it, except those whose
/// permissions the function has set. Files that existed before the test are part of the
/// environment of all containers.
///
/// The processes are started by the name of the test. The name is not known in a task on another
/// thread, with one test thread, and in a documentation test. All containers then share the process
/// of the test, and a warning on stderr says so.
///
/// # Panics
///
/// - If a response differs. The message has the event, the place in the response, both values, and
///   the files that the container left.
/// - If INIT fails in one of the containers.
/// - If an event cannot be serialized as JSON.
/// - If the test or task holds a container.
///
/// # Examples
///
/// ```standalone_crate
/// use rewarm::handler;
/// use rewarm::testing::assert_reuse_safe;
///
/// #[handler]
/// async fn double(n: u64) -> u64 {
///     n * 2
/// }
///
/// # /*
/// #[tokio::test]
/// # */
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// #     reuse_changes_nothing().await
/// # }
/// async fn reuse_changes_nothing() {
///     assert_reuse_safe(double::container, [1, 2, 3]).await;
/// }
/// ```
pub async fn assert_reuse_safe<H, F, E>(container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Serialize>,
{
    assert_reuse_safe_except(&[], container, events).await;
}

/// Like [`assert_reuse_safe`], but ignores parts of the responses that may differ, such as times
/// and ids. `ignore` has their JSON pointers (RFC 6901), such as `/order/id`.
///
/// # Panics
///
/// Like [`assert_reuse_safe`].
///
/// # Examples
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
pub async fn assert_reuse_safe_except<H, F, E>(ignore: &[&str], container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Serialize>,
{
    let events: Vec<Value> = events.into_iter().map(json).collect();
    let mut assertion = Assertion::begin();
    match assertion.role() {
        Role::Assert => {}
        Role::Skip => return,
        Role::Respond(plan) => {
            #[cfg(target_os = "linux")]
            let tmp_files = TmpFiles::track();
            let mut result = run_here(&container, &events, &plan).await;
            #[cfg(target_os = "linux")]
            result.files.extend(tmp_files.remove_new());
            subprocess::respond(&result);
        }
    }
    let in_order = || (0..events.len()).collect::<Vec<_>>();
    let in_reverse = || (0..events.len()).rev().collect();
    let sequential = |events| Plan { events, concurrent: false };
    let mut cold = Vec::new();
    for n in in_order() {
        let result = match assertion.run(sequential(vec![n])) {
            Ok(result) => result,
            Err(plan) => run_here(&container, &events, &plan).await,
        };
        cold.extend(result.responses.into_iter().map(|response| without(response, ignore)));
    }
    for (description, plan) in [
        ("invoked after the events before it", sequential(in_order())),
        ("invoked after the events behind it, in reverse order", sequential(in_reverse())),
        ("invoked concurrently with the others", Plan { events: in_order(), concurrent: true }),
    ] {
        let order = plan.events.clone();
        let PlanResult { responses, files } = match assertion.run(plan) {
            Ok(result) => result,
            Err(plan) => run_here(&container, &events, &plan).await,
        };
        for (n, response) in order.into_iter().zip(responses) {
            let Some(difference) = difference(&cold[n], &without(response, ignore), "") else {
                continue;
            };
            let event = &events[n];
            let mut message = format!(
                "container reuse changes a response\n  event {n}: {event}\n  {description}\n  \
                 {difference}"
            );
            if !files.is_empty() {
                message += &format!("\n  files left: {}", files.join(", "));
            }
            assertion.fail(message);
        }
    }
}

/// Runs a plan in a cold container of this process.
async fn run_here<H, F>(container: &F, events: &[Value], plan: &Plan) -> PlanResult
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
{
    let mut container = container().await;
    let events = plan.events.iter().filter_map(|n| events.get(*n));
    let responses = match plan.concurrent {
        true => container.invoke_all(events).await,
        false => {
            let mut responses = Vec::new();
            for event in events {
                responses.push(container.invoke(event).await);
            }
            responses
        }
    };
    PlanResult { responses: responses.into_iter().map(comparable).collect(), files: Vec::new() }
}

/// Returns the response, or the error as a string.
fn comparable(response: Result<Value, InvocationError>) -> Value {
    response.unwrap_or_else(|error| Value::String(error.to_string()))
}

/// Replaces the ignored parts of a response by null.
fn without(mut response: Value, ignore: &[&str]) -> Value {
    for pointer in ignore {
        if let Some(part) = response.pointer_mut(pointer) {
            *part = Value::Null;
        }
    }
    response
}

/// Describes the first difference between two responses. `pointer` is the JSON pointer to both
/// values.
fn difference(cold: &Value, reused: &Value, pointer: &str) -> Option<String> {
    match (cold, reused) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => a
            .iter()
            .find_map(|(key, value)| difference(value, &b[key], &format!("{pointer}/{key}"))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(n, (a, b))| difference(a, b, &format!("{pointer}/{n}")))
        }
        _ if cold == reused => None,
        _ => {
            let part = if pointer.is_empty() { "the response" } else { pointer };
            Some(format!("{part}: {cold} in a cold container, {reused} in a reused one"))
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
        let reused = json!({ "order": { "items": [1, 5, 6] }, "id": 7 });
        let first = difference(&cold, &reused, "").unwrap();
        assert_eq!(first, "/order/items/1: 2 in a cold container, 5 in a reused one");
        let other = difference(&json!(1), &json!({ "a": 1 }), "").unwrap();
        assert_eq!(other, "the response: 1 in a cold container, {\"a\":1} in a reused one");
    }

    #[test]
    fn ignored_parts_are_null() {
        let cold = without(json!({ "id": 1, "at": [1, 2] }), &["/id", "/at/1", "/none"]);
        assert_eq!(cold, json!({ "id": null, "at": [1, null] }));
    }
}
