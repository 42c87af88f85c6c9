//! One simulated container at a time in a process.

use super::*;

#[handler(report_every = 0)]
async fn first(event: u64) -> u64 {
    event
}

#[handler(report_every = 0)]
async fn second(event: u64) -> u64 {
    event
}

#[tokio::test]
#[should_panic = "this test already holds a simulated container"]
async fn a_second_container_in_a_test_is_refused() {
    let _turn = simulation().await;
    let _first = first::container().await;
    let _second = second::container().await;
}

#[tokio::test]
async fn a_second_container_in_another_task_waits_its_turn() {
    let _turn = simulation().await;
    let mut first = first::container().await;
    let second = tokio::spawn(async {
        let mut second = first::container().await;
        second.invoke(2).await.unwrap();
        (second.snapshot().invocations, second)
    });
    tokio::task::yield_now().await;
    first.invoke(1).await.unwrap();
    drop(first);
    let (invocations, mut second) = second.await.unwrap();
    assert_eq!(invocations, 1);
    // The task has handed it to this test.
    second.invoke(3).await.unwrap();
    let third = AssertUnwindSafe(first::container()).catch_unwind().await;
    assert!(third.is_err());
}
