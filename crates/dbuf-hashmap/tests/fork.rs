//! Reads in a child that was forked while other threads wrote, started and ended, and made and
//! dropped buffers. The thread that forked had read before, and reads on in the child. It must take
//! no lock there: another thread may have held it at the fork, and will never release it.
//!
//! Each child sets an alarm, so a child that hangs ends by a signal, and its test fails.
#![cfg(all(target_os = "linux", not(miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::hash::RandomState;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::strategies::{ConcurrentCell, CountStrategy, EpochStrategy, FlashStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, OnStraggler};

const CHILDREN: u32 = 300;
/// The number of reads of one child.
const READS: u32 = 50;
/// Seconds after which a child counts as hanging.
const SECONDS: u32 = 30;
/// The keys that every batch writes.
const KEYS: [u32; 2] = [0, 1];

trait Forked: BlockingStrategy + Default + 'static {}

impl<S> Forked for S where S: BlockingStrategy + Default + 'static {}

struct World<S: Forked> {
    map: ConcurrentHashMap<u32, u32, RandomState, S>,
    cell: ConcurrentCell<[u32; 2], S>,
    done: AtomicBool,
}

/// Ends the load, even if a check panics.
struct Done<'w>(&'w AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

impl<S: Forked> World<S> {
    fn new() -> Self {
        let on_straggler = OnStraggler::Spare {
            after: Duration::from_micros(500),
            up_to: usize::MAX,
        };
        let map = Builder::new()
            .strategy(S::default())
            .on_straggler(on_straggler)
            .build_concurrent();
        map.write().extend(KEYS.map(|key| (key, 0)));
        Self {
            map,
            cell: ConcurrentCell::with_strategy([0; 2], S::default()),
            done: AtomicBool::new(false),
        }
    }

    fn writes(&self) {
        for n in 1.. {
            if self.done.load(SeqCst) {
                break;
            }
            self.map.write().extend(KEYS.map(|key| (key, n)));
            self.cell.store([n; 2]);
        }
    }

    /// Threads that register with their first read, keep a guard for a while, and end.
    fn visits(&self) {
        while !self.done.load(SeqCst) {
            thread::scope(|scope| {
                scope.spawn(|| {
                    let guards = (self.map.read(), self.cell.read());
                    thread::sleep(Duration::from_millis(1));
                    drop(guards);
                });
            });
        }
    }

    /// Makes, uses and drops buffers and readers.
    fn makes(&self) {
        while !self.done.load(SeqCst) {
            let other = Self::new();
            for map in [&other.map, &self.map] {
                assert_ne!(map.reader().get_cloned(&0), None);
            }
            assert_eq!(other.cell.load(), [0; 2]);
        }
    }

    /// Returns the number in the map, if all keys agree.
    fn number(&self) -> Option<u32> {
        let snapshot = self.map.read();
        let [first, second] = KEYS.map(|key| snapshot.get(&key).copied());
        // Reads under the guard, and once more by another read.
        let nested = self.map.get_cloned(&KEYS[0]);
        (first == second && nested >= first)
            .then_some(first)
            .flatten()
    }

    fn cell_number(&self) -> Option<u32> {
        self.cell
            .with(|[first, second]| (first == second).then_some(*first))
    }

    /// Runs in the child, where no writer runs. Returns whether each read is consistent and none
    /// goes back. It does not panic, since the message may wait for a lock.
    fn reads_on(&self, before: [u32; 2]) -> bool {
        let now = || Some([self.number()?, self.cell_number()?]);
        let Some(first) = now() else { return false };
        let goes_on = first.iter().zip(&before).all(|(now, before)| now >= before);
        goes_on && (1..READS).all(|_| now() == Some(first))
    }
}

/// Forks, calls `f` in the child, and returns its result.
fn in_child(f: impl FnOnce() -> bool) -> Result<(), String> {
    // SAFETY: the child calls `f`, which reads and takes no lock, and then exits.
    match unsafe { libc::fork() } {
        -1 => Err("no child".to_owned()),
        0 => {
            // SAFETY: this changes only the timer of the child.
            unsafe { libc::alarm(SECONDS) };
            let code = i32::from(!f());
            // SAFETY: no destructor runs, and nothing is written.
            unsafe { libc::_exit(code) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `child` is a child of this process, and `status` is valid for a write.
            let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
            if ended == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
                return Ok(());
            }
            let hung = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGALRM;
            Err(if hung {
                "the child hangs".to_owned()
            } else {
                format!("the child read a wrong value, or died: status {status:#x}")
            })
        }
    }
}

fn check<S: Forked>() {
    let world = World::<S>::new();
    thread::scope(|scope| {
        let _done = Done(&world.done);
        scope.spawn(|| world.writes());
        scope.spawn(|| world.visits());
        scope.spawn(|| world.makes());
        for number in 0..CHILDREN {
            let [Some(map), Some(cell)] = [world.number(), world.cell_number()] else {
                panic!("half a write");
            };
            // Every second fork happens under guards, which the child never drops.
            let guards = (number % 2 == 0).then(|| (world.map.read(), world.cell.read()));
            let ended = in_child(|| world.reads_on([map, cell]));
            assert_eq!(ended, Ok(()), "child {number} of {CHILDREN}");
            drop(guards);
        }
    });
}

#[test]
fn count() {
    check::<CountStrategy>();
}

#[test]
fn epoch() {
    check::<EpochStrategy>();
}

#[test]
fn flash() {
    check::<FlashStrategy>();
}
