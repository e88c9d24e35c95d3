//! A cache of names and addresses that removes what has expired.
//!
//! ```sh
//! cargo run -p dbuf-docs --example dns_cache
//! ```
//!
//! The first lookup of a name asks the server. Later ones use the cache, until the record
//! expires. Each line is a lookup: the time by the program's own clock, the name, the address
//! and its source. `sweep` removes expired records in one batch, during lookups. At the end
//! four threads look names up while the clock advances.

use core::net::Ipv4Addr;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use dbuf_hashmap::ConcurrentHashMap;

#[derive(Clone)]
struct Record {
    address: Ipv4Addr,
    /// The first second at which it is not valid any more.
    expires: u64,
}

#[derive(Debug, PartialEq)]
enum Source {
    Cache,
    Server,
}

#[derive(Default)]
struct Resolver {
    records: ConcurrentHashMap<String, Record>,
    /// In seconds. Relaxed: it orders nothing.
    clock: AtomicU64,
}

impl Resolver {
    fn resolve(&self, name: &str) -> Result<(Ipv4Addr, Source), String> {
        let now = self.clock.load(Relaxed);
        let fresh = |record: &Record| (record.expires > now).then_some(record.address);
        // `get_with` leaves no guard behind, so the insert below never has to clone the map
        // beside a guard of this thread.
        if let Some(address) = self.records.get_with(name, fresh).flatten() {
            return Ok((address, Source::Cache));
        }
        let (address, seconds) = ask_server(name)?;
        let expires = now + seconds;
        self.records
            .insert(name.to_owned(), Record { address, expires });
        Ok((address, Source::Server))
    }

    /// Removes what has expired. Returns how many records that were.
    fn sweep(&self) -> usize {
        let now = self.clock.load(Relaxed);
        let mut batch = self.records.write();
        let before = batch.len();
        batch.retain(|_, record| record.expires > now);
        before - batch.len()
    }
}

/// Replaces the network. Returns an address and how many seconds it is valid.
fn ask_server(name: &str) -> Result<(Ipv4Addr, u64), String> {
    match name {
        "a.example" => Ok((Ipv4Addr::new(192, 0, 2, 1), 60)),
        "b.example" => Ok((Ipv4Addr::new(192, 0, 2, 2), 300)),
        _ => Err(format!("{name} does not exist")),
    }
}

fn main() -> Result<(), String> {
    use Source::{Cache, Server};

    let resolver = Resolver::default();
    for (now, name, expected) in [
        (0, "a.example", Some(Server)),
        (1, "b.example", Some(Server)),
        (59, "a.example", Some(Cache)),
        (60, "a.example", Some(Server)),
        (61, "c.example", None),
        (300, "b.example", Some(Cache)),
    ] {
        resolver.clock.store(now, Relaxed);
        let answer = resolver.resolve(name);
        match &answer {
            Ok((address, source)) => println!("{now:4} s  {name}  {address}  {source:?}"),
            Err(error) => println!("{now:4} s  {error}"),
        }
        assert_eq!(answer.ok().map(|(_, source)| source), expected);
    }
    assert_eq!((resolver.sweep(), resolver.records.len()), (1, 1));
    println!(" 300 s  sweep: a.example has expired, b.example stays");

    thread::scope(|scope| {
        let threads = ["a.example", "b.example", "a.example", "b.example"].map(|name| {
            let resolver = &resolver;
            scope.spawn(move || {
                let (truth, _) = ask_server(name).unwrap();
                for _ in 0..1000 {
                    assert_eq!(resolver.resolve(name).unwrap().0, truth);
                }
            })
        });
        while !threads.iter().all(|thread| thread.is_finished()) {
            resolver.clock.fetch_add(1, Relaxed);
            resolver.sweep();
        }
    });
    println!("4000 lookups by four threads while the clock advanced: all answers are right");

    resolver.clock.fetch_add(300, Relaxed);
    resolver.sweep();
    assert!(resolver.records.is_empty());
    println!("300 s later a sweep leaves the cache empty");
    Ok(())
}
