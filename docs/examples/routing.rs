//! A routing table with longest-prefix match, under an operation log of its own.
//!
//! ```sh
//! cargo run -p dbuf-docs --example routing
//! ```
//!
//! The network 10.0.0.0/8 moves from the link `east` to `north`: its route is withdrawn and
//! two halves are announced. A packet that sees only the first step takes the default route,
//! into the internet. The table shows where packets go before the batch, halfway through it
//! (on the back, and as packets see it), and when it is published. At the end two threads
//! route packets while the network moves, and never see half of a move.

use core::array::from_fn;
use core::net::Ipv4Addr;
use std::collections::{HashMap, HashSet};
use std::thread;

use dbuf_core::{ArcReader, OpWriter, Operation, arc};
use dbuf_strategies::EpochStrategy;

type Link = &'static str;

/// All addresses that begin with the same `length` bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Prefix {
    bits: u32,
    length: u32,
}

impl Prefix {
    fn new(address: Ipv4Addr, length: u32) -> Self {
        // A shift by all 32 bits overflows: the prefix of length 0, for every address.
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let bits = address.to_bits() & mask;
        Self { bits, length }
    }
}

#[derive(Clone, Default)]
struct Routes(HashMap<Prefix, Link>);

impl Routes {
    /// The link of the longest prefix that matches this address.
    fn link(&self, address: Ipv4Addr) -> Option<Link> {
        let mut lengths = (0..=32).rev();
        lengths.find_map(|length| self.0.get(&Prefix::new(address, length)).copied())
    }
}

#[derive(Clone, Copy)]
enum Route {
    Announce(Prefix, Link),
    Withdraw(Prefix),
}

impl Operation<Routes> for Route {
    fn apply(&mut self, routes: &mut Routes, (): &()) {
        match *self {
            Self::Announce(prefix, link) => routes.0.insert(prefix, link),
            Self::Withdraw(prefix) => routes.0.remove(&prefix),
        };
    }
}

const PACKETS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(10, 200, 0, 1),
    Ipv4Addr::new(10, 1, 2, 3),
    Ipv4Addr::new(192, 0, 2, 7),
];

fn links(routes: &Routes) -> [Link; 4] {
    PACKETS.map(|packet| routes.link(packet).unwrap_or("none"))
}

/// Routes packets until it has seen both states.
fn forward(routes: &ArcReader<Routes, EpochStrategy>) {
    let mut seen = HashSet::new();
    while seen.len() < 2 {
        let [low, high, lab, outside] = links(&routes.read());
        assert_eq!(low, high, "half of a move");
        assert_ne!(low, "internet", "half of a move");
        assert_eq!((lab, outside), ("lab", "internet"));
        seen.insert(low);
    }
}

fn main() {
    use Route::{Announce, Withdraw};

    let prefix = |address: [u8; 4], length| Prefix::new(address.into(), length);
    let whole = prefix([10, 0, 0, 0], 8);
    let (low, high) = (prefix([10, 0, 0, 0], 9), prefix([10, 128, 0, 0], 9));
    let to_north = [
        Withdraw(whole),
        Announce(low, "north"),
        Announce(high, "north"),
    ];
    let to_east = [Withdraw(low), Withdraw(high), Announce(whole, "east")];

    let (writer, reader) = arc(Routes::default(), Routes::default(), EpochStrategy::new());
    let mut routes = OpWriter::new(writer);
    let mut batch = routes.write();
    batch.apply(Announce(prefix([0, 0, 0, 0], 0), "internet"));
    batch.apply(Announce(prefix([10, 1, 0, 0], 16), "lab"));
    batch.apply(Announce(whole, "east"));
    batch.publish();

    let before = links(&reader.read());
    let mut batch = routes.write();
    batch.apply(to_north[0]);
    let (back, halfway) = (links(&batch), links(&reader.read()));
    batch.apply(to_north[1]);
    batch.apply(to_north[2]);
    batch.publish();
    let after = links(&reader.read());

    println!("packet to     before     back       packets    published");
    for (at, packet) in PACKETS.iter().enumerate() {
        let [a, b, c, d] = [before[at], back[at], halfway[at], after[at]];
        println!("{packet:12}  {a:9}  {b:9}  {c:9}  {d}");
    }
    assert_eq!(before, ["east", "east", "lab", "internet"]);
    assert_eq!(back, ["internet", "internet", "lab", "internet"]);
    assert_eq!(halfway, before);
    assert_eq!(after, ["north", "north", "lab", "internet"]);

    thread::scope(|scope| {
        let threads: [_; 2] = from_fn(|_| {
            let reader = reader.clone();
            scope.spawn(move || forward(&reader))
        });
        while !threads.iter().all(|thread| thread.is_finished()) {
            for change in [to_east, to_north] {
                let mut batch = routes.write();
                for route in change {
                    batch.apply(route);
                }
                batch.publish();
            }
        }
    });
    println!("moved to and fro: every packet went east or north, none into the internet");
}
