//! Metrics of a service: snapshots that add up, and threads that never wait for them.
//!
//! ```sh
//! cargo run -p dbuf-docs --example metrics
//! ```
//!
//! Each thread counts for itself and hands on what it has in a batch, whenever that needs
//! no waiting (`try_write`). A batch changes a route and the total together, so in every
//! snapshot the routes add up to the total. First four threads count while snapshots
//! are taken; then one snapshot is held for as long as another thread counts: the
//! snapshot does not change, and the thread is not stopped. The table is the end.

use std::collections::HashMap;
use std::thread;

use dbuf_hashmap::{ConcurrentBatch, ConcurrentHashMap};

type Metrics = ConcurrentHashMap<&'static str, u64>;

const TOTAL: &str = "total";
const ROUTES: [&str; 3] = ["/cart", "/login", "/search"];
const REQUESTS: usize = 6000;

/// What one thread has counted and not handed on yet.
struct Counter<'m> {
    metrics: &'m Metrics,
    tally: HashMap<&'static str, u64>,
}

impl<'m> Counter<'m> {
    fn new(metrics: &'m Metrics) -> Self {
        let tally = HashMap::new();
        Self { metrics, tally }
    }

    fn count(&mut self, route: &'static str) {
        *self.tally.entry(route).or_default() += 1;
    }

    /// Hands on, if nobody is in the way; else it is for the next time.
    fn try_flush(&mut self) {
        if let Some(batch) = self.metrics.try_write() {
            self.add_to(batch);
        }
    }

    /// Hands on, and waits if it has to.
    fn flush(mut self) {
        self.add_to(self.metrics.write());
    }

    fn add_to(&mut self, mut batch: ConcurrentBatch<'m, &'static str, u64>) {
        for (route, count) in self.tally.drain() {
            batch.upsert(route, count, |sum| *sum += count);
            batch.upsert(TOTAL, count, |sum| *sum += count);
        }
        batch.publish();
    }
}

/// A thread of the service: handles its requests, and is never stopped.
fn serve(metrics: &Metrics) -> Counter<'_> {
    let mut counter = Counter::new(metrics);
    for request in 0..REQUESTS {
        // Of six requests one is of the first route, two of the second, three of the third.
        counter.count(ROUTES[[0, 1, 1, 2, 2, 2][request % 6]]);
        if request % 64 == 0 {
            counter.try_flush();
        }
    }
    counter
}

/// The total of a snapshot, in which everything adds up.
fn total(metrics: &Metrics) -> u64 {
    let snapshot = metrics.read();
    let counts = ROUTES.iter().filter_map(|route| snapshot.get(route));
    let sum = counts.sum();
    assert_eq!(snapshot[TOTAL], sum, "the routes add up to the total");
    sum
}

fn main() {
    let metrics = Metrics::from([(TOTAL, 0)]);

    thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| serve(&metrics).flush()));
        let mut before = 0;
        while !threads.iter().all(|thread| thread.is_finished()) {
            let now = total(&metrics);
            assert!(before <= now, "time does not go backwards");
            before = now;
        }
    });
    println!("four threads counted, and each snapshot meanwhile added up");

    let snapshot = metrics.read();
    let rest = thread::scope(|scope| scope.spawn(|| serve(&metrics)).join().unwrap());
    assert_eq!(snapshot[TOTAL], 4 * REQUESTS as u64);
    println!(
        "a snapshot of {}, held while a thread counted {REQUESTS} more: neither was disturbed",
        snapshot[TOTAL]
    );
    // The thread's first batch was published, and its others would have had to wait.
    let waiting: u64 = rest.tally.values().sum();
    assert_eq!(waiting, REQUESTS as u64 - 1);
    drop(snapshot);
    rest.flush();

    assert_eq!(total(&metrics), 5 * REQUESTS as u64);
    for route in ROUTES.into_iter().chain([TOTAL]) {
        println!("{route:8} {:6}", metrics.read()[route]);
    }
}
