//! An event for a value with 40,000 members: one comes or goes. The value is who is in a
//! guild of a chat server, and the map a cache of guilds.

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Instant;

use dashmap::DashMap;
use dbuf_bench::Hash;
use dbuf_hashmap::{Builder, Writer};

use crate::subjects::key;

const GUILDS: u64 = 8;
const MEMBERS: u64 = 40_000;
/// A turn has so many events.
pub(crate) const EVENTS: u64 = 1_000;

type Members = HashSet<u64, Hash>;

fn hash() -> Hash {
    Hash::with_seed(0)
}

fn guilds() -> impl Iterator<Item = (u64, Members)> {
    (0..GUILDS).map(|guild| {
        let mut members = Members::with_capacity_and_hasher(MEMBERS as usize, hash());
        members.extend((0..MEMBERS).map(key));
        (guild, members)
    })
}

fn toggle(members: &mut Members, user: u64) {
    if !members.remove(&user) {
        members.insert(user);
    }
}

/// Calls `handle` with a guild and a user again and again. Neighbours in time are far apart
/// in memory.
fn timed(mut handle: impl FnMut(u64, u64)) -> impl FnMut() -> Duration {
    let mut n = 0;
    move || {
        let begin = Instant::now();
        for _ in 0..EVENTS {
            n += 1;
            let spread = key(n) >> 16;
            handle(spread % GUILDS, key(spread % MEMBERS));
        }
        begin.elapsed()
    }
}

pub(crate) fn concurrent() -> impl FnMut() -> Duration {
    let map = Builder::new().hasher(hash()).build_concurrent();
    map.write().extend(guilds());
    timed(move |guild, user| {
        map.change(&guild, move |members| toggle(members, user));
    })
}

/// The parts of the same, put together without it.
pub(crate) fn mutex_writer() -> impl FnMut() -> Duration {
    let (mut writer, _) = Builder::new().hasher(hash()).build();
    writer.write().extend(guilds());
    let writer: Mutex<Writer<u64, Members, Hash>> = Mutex::new(writer);
    timed(move |guild, user| {
        let mut writer = writer.lock().expect("no writer panicked");
        writer
            .write()
            .change(&guild, move |members| toggle(members, user));
    })
}

pub(crate) fn dashmap() -> impl FnMut() -> Duration {
    let map = DashMap::with_hasher(hash());
    guilds().for_each(|(guild, members)| _ = map.insert(guild, members));
    timed(move |guild, user| {
        if let Some(mut members) = map.get_mut(&guild) {
            toggle(&mut members, user);
        }
    })
}
