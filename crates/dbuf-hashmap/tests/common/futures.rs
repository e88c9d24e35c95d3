//! Futures that are polled by hand.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Counts its wakes.
#[derive(Debug, Default)]
pub struct Count(AtomicUsize);

impl Count {
    pub fn waker() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Returns whether the task was woken since the last call.
    pub fn take(&self) -> bool {
        self.0.swap(0, SeqCst) > 0
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future, its waker, and how often it was polled.
pub struct Polled<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + 'f>>,
    pub count: Arc<Count>,
    waker: Waker,
    pub polls: usize,
}

impl<'f, T> Polled<'f, T> {
    pub fn new(future: impl Future<Output = T> + 'f) -> Self {
        let (count, waker) = Count::waker();
        Self {
            future: Box::pin(future),
            count,
            waker,
            polls: 0,
        }
    }

    pub fn poll(&mut self) -> Poll<T> {
        self.polls += 1;
        self.future
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
    }

    /// Polls until the call has waited for longer than any patience.
    pub fn poll_for_long(&mut self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(4) {
            assert!(self.poll().is_pending(), "the wait ends early");
        }
    }

    /// Replaces the waker, as an executor does when it moves a task.
    pub fn change_waker(&mut self) {
        (self.count, self.waker) = Count::waker();
    }
}

/// Polls a boxed future once.
pub fn poll_with<F>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output>
where
    F: Future + ?Sized,
{
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// A waker that reports when it is called, and returns when it is told to, or when the sender of
/// that is dropped.
pub struct Blocks {
    entered: mpsc::Sender<()>,
    leave: Mutex<mpsc::Receiver<()>>,
}

impl Blocks {
    pub fn waker() -> (Waker, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (entered, has_entered) = mpsc::channel();
        let (go_on, leave) = mpsc::channel();
        let leave = Mutex::new(leave);
        let waker = Waker::from(Arc::new(Self { entered, leave }));
        (waker, has_entered, go_on)
    }
}

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        self.entered.send(()).ok();
        self.leave.lock().unwrap().recv().ok();
    }
}

/// Polls a future at most `polls` times, each time with another waker, and drops it.
pub fn poll_and_cancel<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let (_, waker) = Count::waker();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

/// Polls futures like an executor, only those that were woken, until all are ready; calls `done`
/// with the index of each. Panics if the rest is never woken.
pub fn run_woken<T>(mut futures: Vec<Option<Polled<'_, T>>>, mut done: impl FnMut(usize, T)) {
    while futures.iter().any(Option::is_some) {
        let mut woken = false;
        for (at, slot) in futures.iter_mut().enumerate() {
            let Some(future) = slot else { continue };
            if future.count.take() {
                woken = true;
                if let Poll::Ready(output) = future.poll() {
                    *slot = None;
                    done(at, output);
                }
            }
        }
        assert!(woken, "the remaining futures were not woken");
    }
}

/// Lets other tasks run once.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts the polls of a future.
pub async fn counted<F: Future>(future: F, polls: &AtomicUsize) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, SeqCst);
        future.as_mut().poll(cx)
    })
    .await
}
