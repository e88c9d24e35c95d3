//! Threads and tasks that read and watch.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use dbuf_async::Watcher;
use dbuf_async::core::{OwnedReadGuard, ReadGuard, Reader, SharedReadGuard, Version};
use dbuf_async::strategies::Watched;

use super::{Ptr, Seen, Soaked, World, add};
use crate::common::yield_now;
use crate::ledger::Ledger;

/// A reader that moves between threads, and the last version that it saw.
pub(super) struct Handle<S: Soaked> {
    pub(super) reader: Reader<Ptr<S>>,
    pub(super) seen: Version,
}

/// Checks one read: it is not older than the last publish before it, and consistent.
fn check_read(notes: &mut Seen, returned: Version, version: Version, ledger: &Ledger) {
    assert!(
        version >= returned,
        "read {version} after the publish of {returned}"
    );
    ledger.check(version);
    notes.1.note(version, ledger.of);
    notes.0.reads += 1;
}

impl<S: Soaked> Handle<S> {
    fn read(&mut self, world: &World<S>, seen: &mut Seen) {
        let returned = world.returned.load(SeqCst);
        let guard = self.reader.read();
        let version = ReadGuard::version(&guard);
        assert!(version >= self.seen, "read {version} after {}", self.seen);
        self.seen = version;
        check_read(seen, returned, version, &guard);
    }

    /// Takes guards of one reader on two sides, and drops the older one first.
    fn nest(&self, seen: &mut Seen) {
        let outer = self.reader.read();
        let version = ReadGuard::version(&outer);
        thread::yield_now();
        let inner = self.reader.read();
        let newer = ReadGuard::version(&inner);
        assert!(newer >= version, "{newer} nested in {version}");
        check_read(seen, 0, version, &outer);
        drop(outer);
        check_read(seen, 0, newer, &inner);
    }
}

/// Reads with a reader that another thread used, and does one more thing with it.
pub(super) fn reads<S: Soaked>(world: &World<S>, first: u64) -> Seen {
    let (mut seen, mut kind) = (Seen::default(), first);
    while !world.done.load(SeqCst) {
        kind += 1;
        let pooled = world.pool.lock().unwrap().pop();
        let mut handle = pooled.unwrap_or_else(|| world.handle());
        for _ in 0..32 {
            handle.read(world, &mut seen);
        }
        match kind % 8 {
            0 => {
                handle.nest(&mut seen);
            }
            1 => {
                let clone = handle.reader.clone();
                let version = clone.version();
                assert!(version >= handle.seen, "{version} after {}", handle.seen);
                seen.0.readers += 1;
            }
            2 => {
                let returned = world.returned.load(SeqCst);
                let guard = Box::new(handle.reader.clone()).into_guard();
                check_read(&mut seen, returned, OwnedReadGuard::version(&guard), &guard);
                drop(OwnedReadGuard::into_reader(guard));
                seen.0.readers += 1;
            }
            3 => {
                let weak = Reader::new(Arc::downgrade(&world.ptr));
                let returned = world.returned.load(SeqCst);
                let guard = weak.try_read().unwrap();
                check_read(&mut seen, returned, ReadGuard::version(&guard), &guard);
                drop(guard);
                seen.0.readers += 1;
            }
            4 => {
                handle = world.handle();
                handle.read(world, &mut seen);
                seen.0.readers += 1;
            }
            _ => {}
        }
        world.pool.lock().unwrap().push(handle);
        thread::yield_now();
    }
    seen
}

/// Starts threads for a few reads each, each with its own reader behind the shared one.
pub(super) fn visits<S: Soaked>(world: &Arc<World<S>>) -> Seen {
    let mut seen = Seen::default();
    while !world.done.load(SeqCst) {
        let visitors = [(); 3].map(|()| {
            let world = Arc::clone(world);
            thread::spawn(move || {
                let mut seen = Seen::default();
                for _ in 0..3 {
                    let returned = world.returned.load(SeqCst);
                    let guard = world.shared.read();
                    let nested = world.shared.read();
                    let version = SharedReadGuard::version(&guard);
                    let newer = SharedReadGuard::version(&nested);
                    assert!(newer >= version, "{newer} nested in {version}");
                    check_read(&mut seen, returned, version, &guard);
                    drop(guard);
                    check_read(&mut seen, returned, newer, &nested);
                }
                // The thread's own reader, and one for each nested read.
                seen.0.readers += 4;
                seen
            })
        });
        for visitor in visitors {
            add(&mut seen, visitor.join().unwrap());
            seen.0.threads += 1;
        }
    }
    seen
}

pub(super) async fn reads_async<S: Soaked>(world: Arc<World<S>>) -> Seen {
    let (mut seen, mut handle) = (Seen::default(), world.handle());
    while !world.done.load(SeqCst) {
        for _ in 0..16 {
            handle.read(&world, &mut seen);
        }
        yield_now().await;
    }
    seen.0.readers += 1;
    seen
}

pub(super) async fn watches<S: Soaked>(world: Arc<World<Watched<S>>>) -> Seen {
    let mut seen = Seen::default();
    let mut watcher = Watcher::new(world.handle().reader);
    let mut last_seen = watcher.last_seen();
    while last_seen != world.last.load(SeqCst) {
        match watcher.changed().await {
            Ok(version) => {
                assert!(version > last_seen, "reported {version} after {last_seen}");
                last_seen = version;
                let guard = watcher.read();
                check_read(&mut seen, last_seen, ReadGuard::version(&guard), &guard);
                seen.0.notifications += 1;
            }
            // Another thread claims the writer again.
            Err(_) => yield_now().await,
        }
    }
    assert_eq!(
        last_seen,
        watcher.version(),
        "the last publish was not reported"
    );
    seen.0.readers += 1;
    seen
}
