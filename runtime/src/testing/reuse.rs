//! Asserts that container reuse changes no response: events get the same responses in cold and in
//! reused containers.

use serde::Serialize;
use serde_json::Value;

use super::statics::{Change, Statics};
use super::subprocess::{self, Assertion, Plan, PlanResult, Role};
#[cfg(target_os = "linux")]
use super::tmp_files::TmpFiles;
use super::{Container, json};
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;

/// Asserts that container reuse changes no response of a function, and that no invocation changes a
/// static that an earlier one has changed.
///
/// Each event is invoked in a cold container. Its response must be the same in three reused
/// containers: one that is invoked with all events in order, one in reverse order, and one
/// concurrently. An invocation that fails has its error as the response.
///
/// `container` is the `container` function of the handler. Use events of different customers: it is
/// their data that must not mix.
///
/// # Statics
///
/// On Linux, the bytes of the statics of every crate with an attribute of rewarm are compared after
/// INIT and after each invocation. For that the events are invoked a second time in the container
/// that is invoked in order. A static that two invocations change is a failure, even if the
/// responses are the same. A static that one invocation changes, such as a `LazyLock`, is built in
/// an invocation instead of INIT: a line on stderr names it.
///
/// A change behind a pointer and a thread-local are not seen. Statics are not compared on other
/// systems, in a program that is stripped of its symbols, and where containers share the process of
/// the test; a line on stderr says so.
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
/// - If a response differs. The message has the event, the place in the response, both values, the
///   statics that changed, and the files that the container left.
/// - If two invocations change a static. The message has its path, its size and the invocations.
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
/// and ids, and statics that invocations are meant to share, such as a counter of requests.
///
/// `ignore` has the JSON pointers (RFC 6901) of the parts, such as `/order/id`, and the paths of the
/// statics, or their ends: `shop::ids::COUNT` or `ids::COUNT`.
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
            let mut result = run_here(&container, &events, &plan, true).await;
            #[cfg(target_os = "linux")]
            result.files.extend(tmp_files.remove_new());
            subprocess::respond(&result);
        }
    }
    let in_order = || (0..events.len()).collect::<Vec<_>>();
    let in_reverse = || (0..events.len()).rev().collect();
    let sequential = |events| Plan { events, concurrent: false, statics: false };
    let mut cold = Vec::new();
    for n in in_order() {
        let result = match assertion.run(sequential(vec![n])) {
            Ok(result) => result,
            Err(plan) => run_here(&container, &events, &plan, false).await,
        };
        cold.extend(result.responses.into_iter().map(|response| without(response, ignore)));
    }
    let mut changes = Vec::new();
    for (description, plan) in [
        ("invoked after the events before it", Plan { statics: true, ..sequential(in_order()) }),
        ("invoked after the events behind it, in reverse order", sequential(in_reverse())),
        (
            "invoked concurrently with the others",
            Plan { concurrent: true, ..sequential(in_order()) },
        ),
    ] {
        let order = plan.events.clone();
        let PlanResult { responses, files, statics } = match assertion.run(plan) {
            Ok(result) => result,
            Err(plan) => run_here(&container, &events, &plan, false).await,
        };
        match statics {
            Ok(found) => changes.extend(found.into_iter().filter(|change| !change.is_in(ignore))),
            Err(reason) => {
                assertion.say("note", format_args!("statics are not compared: {reason}"))
            }
        }
        for (n, response) in order.into_iter().zip(responses) {
            let Some(difference) = difference(&cold[n], &without(response, ignore), "") else {
                continue;
            };
            let event = &events[n];
            let mut message = format!(
                "container reuse changes a response\n  event {n}: {event}\n  {description}\n  \
                 {difference}"
            );
            message += &listed(&changes, events.len());
            if !files.is_empty() {
                message += &format!("\n  files left: {}", files.join(", "));
            }
            assertion.fail(message);
        }
    }
    assert_unchanged(&assertion, changes, events.len());
}

/// Asserts that no static has been changed by two invocations. Those that one has changed are
/// printed.
fn assert_unchanged(assertion: &Assertion, changes: Vec<Change>, events: usize) {
    let (built, shared): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.invocations.len() == 1);
    for change in built {
        assertion.say(
            "note",
            format_args!(
                "{change} is built in an invocation instead of INIT; `#[init]` would build it \
                 before the first event"
            ),
        );
    }
    if let Some(first) = shared.first() {
        assertion.fail(format!(
            "invocations change a static{}\n  \
             the responses are the same in cold and in reused containers\n\
             a static lives as long as its container: on Lambda, the next invocation, of another \
             customer, finds what this one has left\n\
             help: a value of one invocation belongs in a local variable or an argument, a value \
             that is built once and only read in `#[init]`, a value that is fetched in `#[cached]`\n\
             help: if the invocations are meant to share it, write `#[rewarm::allow(global_state, \
             reason = \"…\")]` on the static; one of another crate is left out by \
             `assert_reuse_safe_except(&[{:?}], …)`",
            listed(&shared, events),
            first.path,
        ));
    }
}

/// Lists statics, each on a line, with the invocations that changed them. The events were invoked
/// twice, in order.
fn listed(changes: &[Change], events: usize) -> String {
    let line = |change: &Change| {
        let by = change.invocations.iter().map(|n| format!("{} (event {})", n + 1, n % events));
        let mut by: Vec<_> = by.take(7).collect();
        if by.len() == 7 {
            by[6] = "…".to_owned();
        }
        format!("\n  {change}: changed by invocation {}", by.join(", "))
    };
    changes.iter().map(line).collect()
}

/// Runs a plan in a cold container of this process. The statics are compared only in a process of
/// its own: in another one, other tests may change them.
async fn run_here<H, F>(
    container: &F,
    events: &[Value],
    plan: &Plan,
    is_own_process: bool,
) -> PlanResult
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
{
    let mut container = container().await;
    let events: Vec<_> = plan.events.iter().filter_map(|n| events.get(*n)).collect();
    let mut statics =
        (plan.statics && is_own_process).then(|| Statics::read(std::any::type_name::<H>()));
    let mut responses = Vec::new();
    if plan.concurrent {
        responses = container.invoke_all(&events).await;
    } else {
        for event in &events {
            responses.push(container.invoke(event).await);
            statics.iter_mut().flatten().for_each(Statics::record_invocation);
        }
    }
    if let Some(Ok(statics)) = &mut statics {
        for event in &events {
            let _ = container.invoke(event).await;
            statics.record_invocation();
        }
    }
    let statics = statics.map_or(Ok(Vec::new()), |read| read.map(Statics::changes));
    PlanResult {
        responses: responses.into_iter().map(comparable).collect(),
        files: Vec::new(),
        statics: statics.map_err(str::to_owned),
    }
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
