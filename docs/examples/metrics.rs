//! Metrics of a service: snapshots that add up, and threads that do not wait for them.
//!
//! ```sh
//! cargo run -p dbuf-docs --example metrics
//! ```
//!
//! Each thread counts for itself, and adds its counts to the map in a batch when that needs no
//! wait (`try_write`). A batch changes routes and the total together, so in every snapshot the
//! routes add up to the total. First four threads count while snapshots are taken. Then one
//! snapshot is held while another thread counts: the snapshot does not change, and the thread
//! does not wait. The table shows the final counts.

use std::collections::HashMap;
use std::thread;

use dbuf_hashmap::{ConcurrentBatch, ConcurrentHashMap};

type Metrics = ConcurrentHashMap<&'static str, u64>;

const TOTAL: &str = "total";
const ROUTES: [&str; 3] = ["/cart", "/login", "/search"];
const REQUESTS: usize = 6000;

/// The counts of one thread that are not in the map yet.
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

    /// Adds the counts to the map if that needs no wait. Otherwise keeps them.
    fn try_flush(&mut self) {
        if let Some(batch) = self.metrics.try_write() {
            self.add_to(batch);
        }
    }

    /// Adds the counts to the map, and waits if necessary.
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

/// A thread of the service. It handles its requests and never waits.
fn serve(metrics: &Metrics) -> Counter<'_> {
    let mut counter = Counter::new(metrics);
    for request in 0..REQUESTS {
        // Of six requests, one is for the first route, two for the second, three for the third.
        counter.count(ROUTES[[0, 1, 1, 2, 2, 2][request % 6]]);
        if request % 64 == 0 {
            counter.try_flush();
        }
    }
    counter
}

/// Takes a snapshot, checks it and returns its total.
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
            assert!(before <= now, "a later snapshot has no smaller total");
            before = now;
        }
    });
    println!("four threads counted, and every snapshot added up");

    let snapshot = metrics.read();
    let rest = thread::scope(|scope| scope.spawn(|| serve(&metrics)).join().unwrap());
    assert_eq!(snapshot[TOTAL], 4 * REQUESTS as u64);
    println!(
        "a snapshot of {} did not change while a thread counted {REQUESTS} more",
        snapshot[TOTAL]
    );
    // The thread published its first batch. Any other would have had to wait.
    let waiting: u64 = rest.tally.values().sum();
    assert_eq!(waiting, REQUESTS as u64 - 1);
    drop(snapshot);
    rest.flush();

    assert_eq!(total(&metrics), 5 * REQUESTS as u64);
    for route in ROUTES.into_iter().chain([TOTAL]) {
        println!("{route:8} {:6}", metrics.read()[route]);
    }
}
