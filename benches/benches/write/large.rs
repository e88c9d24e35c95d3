//! An event for a value with 40,000 members: one comes or goes. The value is the set of members of
//! a guild of a chat server, and the map a cache of guilds.

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Instant;

use dashmap::DashMap;
use dbuf_bench::maps::hasher;
use dbuf_bench::{Hash, number_key};
use dbuf_hashmap::{Builder, Writer};

const GUILDS: u64 = 8;
const MEMBERS: u32 = 40_000;
/// The events of a turn.
pub(crate) const EVENTS: u64 = 1_000;

type Members = HashSet<u64, Hash>;

fn guilds() -> impl Iterator<Item = (u64, Members)> {
    (0..GUILDS).map(|guild| {
        let mut members = Members::with_capacity_and_hasher(MEMBERS as usize, hasher());
        members.extend((0..MEMBERS).map(number_key));
        (guild, members)
    })
}

fn toggle(members: &mut Members, user: u64) {
    if !members.remove(&user) {
        members.insert(user);
    }
}

/// Calls `handle` with a guild and a user again and again. Neighbours in time are far apart in
/// memory.
fn timed(name: &'static str, mut handle: impl FnMut(u64, u64) + 'static) -> Entrant {
    let mut n = 0;
    Entrant::new(name, move || {
        let begin = Instant::now();
        for _ in 0..EVENTS {
            n += 1;
            let spread = number_key(n) >> 16;
            let member = (spread % u64::from(MEMBERS)) as u32;
            handle(spread % GUILDS, number_key(member));
        }
        begin.elapsed()
    })
}

/// The map, its parts put together without it, and dashmap.
pub(crate) fn entrants() -> [Entrant; 3] {
    let map = Builder::new().hasher(hasher()).build_concurrent();
    map.write().extend(guilds());
    let (mut writer, _) = Builder::new().hasher(hasher()).build();
    writer.write().extend(guilds());
    let writer: Mutex<Writer<u64, Members, Hash>> = Mutex::new(writer);
    let dash = DashMap::with_hasher(hasher());
    guilds().for_each(|(guild, members)| _ = dash.insert(guild, members));
    [
        timed("concurrent", move |guild, user| {
            map.change(&guild, move |members| toggle(members, user));
        }),
        timed("mutex-writer", move |guild, user| {
            let mut writer = writer.lock().expect("no writer panicked");
            let mut batch = writer.write();
            batch.change(&guild, move |members| toggle(members, user));
        }),
        timed("dashmap", move |guild, user| {
            if let Some(mut members) = dash.get_mut(&guild) {
                toggle(&mut members, user);
            }
        }),
    ]
}

/// A contender and what it does in one turn.
pub(crate) struct Entrant {
    pub(crate) name: &'static str,
    pub(crate) turn: Box<dyn FnMut() -> Duration>,
    pub(crate) times: Vec<Duration>,
}

impl Entrant {
    pub(crate) fn new(name: &'static str, turn: impl FnMut() -> Duration + 'static) -> Self {
        Self {
            name,
            turn: Box::new(turn),
            times: Vec::new(),
        }
    }
}
