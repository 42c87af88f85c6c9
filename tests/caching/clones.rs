//! `Clone` of a cached value runs outside of the cache's locks, and its panics stay where they belong.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A value whose `Clone` runs a function, and whose `Drop` panics if the value is a bomb.
struct OnClone {
    on_clone: fn(),
    is_bomb: bool,
}

impl Clone for OnClone {
    fn clone(&self) -> Self {
        (self.on_clone)();
        Self { on_clone: self.on_clone, is_bomb: false }
    }
}

impl Drop for OnClone {
    fn drop(&mut self) {
        assert!(!self.is_bomb, "a destructor panics");
    }
}

mod curious {
    use super::*;

    pub(super) static CLONES: Count = Count::new();

    #[cached(ttl = "1h", max_entries = 2)]
    pub(super) async fn asks(key: u8) -> OnClone {
        let _ = key;
        let on_clone = || {
            CLONES.up();
            asks::stats();
            drop(asks::peek(9));
            asks::invalidate(1);
            asks::clear();
            rewarm::container().snapshot();
        };
        OnClone { on_clone, is_bomb: false }
    }
}

#[tokio::test]
async fn a_clone_may_use_its_cache() {
    let _turn = outside_containers().await;
    use curious::{CLONES, asks};
    asks(1).await;
    asks(2).await;
    let before = CLONES.get();
    asks(2).await;
    assert_eq!(CLONES.get(), before + 1, "a hit makes one clone");
    assert_eq!(asks::stats().entries, 0, "the clone removed the value that it was made of");
    asks(1).await;
    drop(asks::peek(1));
    assert_eq!(asks::stats().entries, 0);
}

mod slow {
    use super::*;

    /// A clone that has begun sends, and goes on when it receives.
    pub(super) static BLOCKING: Mutex<Option<(Sender<()>, Receiver<()>)>> = Mutex::new(None);

    #[cached(ttl = "1h", allow(global_state))]
    pub(super) fn waits(key: u8) -> OnClone {
        let _ = key;
        let on_clone = || {
            let blocking = BLOCKING.lock().unwrap().take();
            if let Some((begun, go_on)) = blocking {
                begun.send(()).unwrap();
                go_on.recv().unwrap();
            }
        };
        OnClone { on_clone, is_bomb: false }
    }
}

#[test]
fn a_clone_that_blocks_blocks_no_other_caller() {
    let _turn = outside_containers_blocking();
    use slow::{BLOCKING, waits};
    waits(1);
    let ((begin, begun), (go_on, may_go_on)) = (channel(), channel());
    *BLOCKING.lock().unwrap() = Some((begin, may_go_on));
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| drop(waits(1)));
        begun.recv().unwrap();
        let (done, is_done) = channel();
        scope.spawn(move || {
            waits(1);
            waits(2);
            waits::invalidate(1);
            done.send(()).unwrap();
        });
        let others = is_done.recv_timeout(10 * SECOND);
        go_on.send(()).unwrap();
        blocked.join().unwrap();
        others.expect("the other callers are done while the clone blocks");
    });
}

mod panicking {
    use super::*;

    pub(super) static PANICS: AtomicBool = AtomicBool::new(false);

    #[cached(ttl = "1h", allow(global_state))]
    pub(super) async fn bomb(key: u8) -> OnClone {
        let on_clone = || {
            if PANICS.load(SeqCst) {
                // The clone is then made of the last reference.
                bomb::clear();
                panic!("a clone panics");
            }
        };
        OnClone { on_clone, is_bomb: key == 1 }
    }
}

#[tokio::test]
async fn a_clone_that_panics_is_a_panic_of_its_caller_only() {
    let _turn = outside_containers().await;
    use panicking::{PANICS, bomb};
    for key in [1, 2] {
        // The value goes to the caller as it was fetched, and is a clone from then on.
        drop(tokio::spawn(async move { drop(bomb(key).await) }).await);
        PANICS.store(true, SeqCst);
        let message = panic_of(async move { drop(bomb(key).await) }).await;
        PANICS.store(false, SeqCst);
        assert_eq!(message, "a clone panics");
        bomb(3).await;
        assert_eq!(bomb::stats().entries, 1, "other keys go on");
        bomb::clear();
    }
}
