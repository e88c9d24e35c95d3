//! Guards and handles in destructors of thread locals, some of which run after the thread's slots
//! have ended.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{DoubleBuffer, SharedReadGuard, SharedReader};
use dbuf_testing::Tracked;

use super::{Held, Ptr, log, seeds, writes};
use crate::common::Random;

type Late = SharedReader<Ptr<EpochStrategy>>;

type LateGuard = (Held<'static, EpochStrategy>, (usize, u64));

struct Holds {
    guards: RefCell<Vec<LateGuard>>,
    handles: RefCell<Vec<&'static Late>>,
    seed: RefCell<u64>,
}

impl Drop for Holds {
    fn drop(&mut self) {
        let mut random = Random::new(*self.seed.borrow());
        let handles = self.handles.take();
        if handles.is_empty() {
            return;
        }
        for _ in 0..12 {
            let at = random.below(handles.len());
            match random.below(5) {
                0 => {
                    let guard = Held::Whole(handles[at].read());
                    let value = guard.get();
                    self.guards.borrow_mut().push((guard, value));
                }
                1 | 2 => {
                    let mut guards = self.guards.borrow_mut();
                    if !guards.is_empty() {
                        let pick = random.below(guards.len());
                        let gone = guards.swap_remove(pick);
                        assert_eq!(gone.0.get(), gone.1);
                    }
                }
                3 => {
                    for (guard, value) in &mut *self.guards.borrow_mut() {
                        if let Held::Whole(guard) = guard {
                            SharedReadGuard::refresh(guard);
                            *value = (guard.get(), SharedReadGuard::version(guard));
                        }
                    }
                }
                _ => {
                    // A handle of its own, which lives as long as this value.
                    let buffer =
                        DoubleBuffer::new(Tracked::new(0), Tracked::new(0), EpochStrategy::new());
                    let own = SharedReader::new(Arc::new(buffer));
                    let guard = own.read();
                    assert!(own.has_guard());
                    assert_eq!(guard.get(), 0);
                    if random.below(2) == 0 {
                        mem::forget(guard);
                    } else {
                        drop(guard);
                        assert!(!own.has_guard());
                    }
                }
            }
            for (guard, value) in &*self.guards.borrow() {
                assert_eq!(guard.get(), *value);
            }
        }
    }
}

macro_rules! locals {
    ($($name:ident)*) => {
        thread_local! {
            $(static $name: Holds = const { Holds {
                guards: RefCell::new(Vec::new()),
                handles: RefCell::new(Vec::new()),
                seed: RefCell::new(0),
            } };)*
        }
    };
}
locals!(FIRST SECOND THIRD);

/// Guards in destructors that run before and after the thread's slots end keep their values.
#[test]
fn guards_in_destructors_keep_their_values() {
    let mut random = Random::new(seeds().start * 91);
    let mut writers = Vec::new();
    let mut handles: Vec<&'static Late> = Vec::new();
    for _ in 0..3 {
        let writer = log(EpochStrategy::new());
        let ptr = writer.as_writer().ptr().clone();
        handles.push(Box::leak(Box::new(SharedReader::new(ptr))));
        writers.push(writer);
    }
    let shared: Vec<_> = handles.iter().map(|&handle| handle.clone()).collect();
    let rounds = if cfg!(miri) {
        3
    } else if cfg!(dbuf_sanitize) {
        300
    } else {
        3000
    };
    for _ in 0..rounds {
        thread::scope(|scope| {
            for _ in 0..2 {
                let (seed, handles) = (random.below(usize::MAX) as u64, &handles);
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    let locals = [&FIRST, &SECOND, &THIRD];
                    for (n, local) in locals.iter().enumerate() {
                        if random.below(2) == 0 {
                            drop(handles[random.below(3)].read());
                        }
                        local.with(|local| {
                            *local.handles.borrow_mut() = handles.clone();
                            *local.seed.borrow_mut() = seed / (n as u64 + 3);
                            for _ in 0..random.below(3) {
                                let guard = Held::Whole(handles[random.below(3)].read());
                                let value = guard.get();
                                local.guards.borrow_mut().push((guard, value));
                            }
                        });
                    }
                });
            }
            writes(&mut writers, &shared, &mut random, 10);
        });
        // A scope does not wait for destructors of thread locals.
        writes(&mut writers, &shared, &mut random, 5);
    }
    for writer in writers {
        let mut writer = writer.into_writer();
        for _ in 0..2 {
            let finished = writer.finish_timeout(Duration::from_secs(20));
            assert!(finished, "a guard was not released");
            assert!(writer.start_swap());
        }
    }
}
