//! Guards that are held for long: first one at a time, repeatedly, and then one that is forgotten.
//! Writes continue at nearly the pace that they have without a guard, and memory stays flat: at two
//! copies and what each guard needs for a while, and then at three.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{Builder, OnStraggler};
use dbuf_testing::Counting;
use dbuf_testing::soak::{MAX_GROWTH, MAX_LEAK};

use crate::contents::{Contents, Soaked, change};
use crate::world::{Flips, World};

/// How long a guard is held, if there is time for it.
const KEPT: Duration = Duration::from_millis(300);
/// A writer waits for a guard for this fraction of the time that the guard is held.
const WAITED: u32 = 30;
/// The least pace under guards, in percent of the pace without.
const PACE: f32 = 80.0;
/// Fewer pairs of windows do not measure the pace, since other programs run too.
const PAIRS: usize = 10;
/// The least number of writes of a writer in a window: enough to meet the guard.
const LEAST: u64 = 4;
/// The number of threads that write.
const WRITERS: u32 = 2;
/// More entries in the map, which each clone copies.
const ENTRIES: u32 = 1000;
/// The first key of those entries, which no writer uses.
const FIRST: u32 = 1000;

/// The measurements in windows of one kind.
#[derive(Debug, Default)]
struct Pace {
    /// Writes per second, in each window.
    rates: Vec<f32>,
    /// The longest write.
    longest: Duration,
    /// The most bytes in use after a window: in the first quarter, and later.
    warm: usize,
    most: usize,
}

impl Pace {
    fn windows(&self) -> usize {
        self.rates.len()
    }

    /// Returns the median, since other programs run in some of the windows.
    fn per_second(&mut self) -> f32 {
        self.rates.sort_unstable_by(f32::total_cmp);
        self.rates[self.rates.len() / 2]
    }

    fn assert_flat(&self, name: &str) {
        let Self { warm, most, .. } = *self;
        assert!(
            most <= warm + MAX_GROWTH,
            "{name}: {warm} bytes grew to {most}"
        );
    }
}

/// How often a copy was set aside.
type SetAside = Arc<AtomicU64>;

fn world<S: Soaked>(strategy: S, window: Duration) -> (World<S>, SetAside) {
    let set_aside = SetAside::default();
    let counted = Arc::clone(&set_aside);
    let on_straggler = OnStraggler::Spare {
        after: window / WAITED,
        up_to: usize::MAX,
    };
    let map = Builder::new()
        .strategy(strategy)
        .on_straggler(on_straggler)
        .on_spare(move |_| _ = counted.fetch_add(1, SeqCst))
        .build_concurrent();
    let entries = (FIRST..FIRST + ENTRIES).map(|key| (key, Box::new([u64::from(key); 2])));
    map.write().extend(entries);
    (World::with_map(map, Flips::AtOnce), set_aside)
}

/// Runs one window: threads write and read, while this one holds a guard or none.
fn window<S: Soaked>(world: &World<S>, time: Duration, keeps: bool, pace: &mut Pace) {
    let guard = keeps.then(|| world.map.read());
    let shown = guard.as_ref().map(|guard| Contents::of(guard.as_map()));
    let (done, begin) = (AtomicBool::new(false), Instant::now());
    let (done, end) = (&done, begin + time);
    let writes = |id: u32| {
        let (mut made, mut writes, mut longest) = (world.made(id), 0, Duration::ZERO);
        while writes < LEAST || Instant::now() < end {
            let began = Instant::now();
            change(&world.map, id, [0, 1, 2, 9][writes as usize % 4], &mut made);
            longest = longest.max(began.elapsed());
            world.changed(id, made);
            writes += 1;
        }
        (writes, longest)
    };
    let reads = || {
        let mut before = world.returned();
        while !done.load(SeqCst) {
            let returned = world.returned();
            let now = Contents::of(world.map.read().as_map());
            assert!(now.is_after(&returned) && now.is_after(&before), "{now:?}");
            before = now;
        }
    };
    let mut total = 0;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|id| scope.spawn(move || writes(id)))
            .collect();
        scope.spawn(reads);
        for writer in writers {
            let (writes, longest) = writer.join().unwrap();
            total += writes;
            pace.longest = pace.longest.max(longest);
        }
        done.store(true, SeqCst);
    });
    pace.rates
        .push(total as f32 / begin.elapsed().as_secs_f32());
    if let Some(guard) = guard {
        let now = Contents::of(guard.as_map());
        assert_eq!(Some(now), shown, "a guard's map changed");
        assert_eq!(world.map.spare_stragglers(), 1);
    }
}

/// Returns the memory in use after a window, with this many copies set aside.
fn settle<S: Soaked>(world: &World<S>, aside: usize, is_warm: bool, pace: &mut Pace) {
    // The first batch drops a copy whose guards are released.
    let batch = world.map.write();
    assert_eq!(batch.as_map(), batch.published());
    drop(batch);
    let map = &world.map;
    assert_eq!((map.stragglers(), map.spare_stragglers()), (0, aside));
    assert_eq!(map.spare_since().is_some(), aside > 0);
    let live = Counting::live();
    let bytes = if is_warm {
        &mut pace.most
    } else {
        &mut pace.warm
    };
    *bytes = live.max(*bytes);
}

/// Runs both halves, and checks that the memory is freed.
fn soak<S: Soaked>(name: &str, time: Duration, strategy: S) {
    let length = (time / 16).clamp(Duration::from_millis(20), KEPT);
    let at_first = Counting::live();
    let (world, set_aside) = world(strategy, length);
    let [mut without, mut kept, mut forgotten] = [(); 3].map(|()| Pace::default());
    let begin = Instant::now();
    while kept.windows() < 2 || begin.elapsed() < time / 2 {
        let is_warm = kept.windows() > 0 && begin.elapsed() > time / 8;
        window(&world, length, false, &mut without);
        settle(&world, 0, is_warm, &mut without);
        window(&world, length, true, &mut kept);
        settle(&world, 0, is_warm, &mut kept);
    }
    let [aside, windows] = [set_aside.load(SeqCst), kept.windows() as u64];
    assert!(aside >= windows, "{aside} set aside in {windows} windows");
    std::mem::forget(world.map.read());
    let half = Instant::now();
    while forgotten.windows() < 2 || begin.elapsed() < time {
        let is_warm = forgotten.windows() > 0 && half.elapsed() > time / 8;
        window(&world, length, false, &mut forgotten);
        settle(&world, 1, is_warm, &mut forgotten);
    }
    let aside = set_aside.load(SeqCst);
    assert!(
        aside > windows,
        "the forgotten guard's copy was not set aside"
    );
    let windows = [&kept, &forgotten].map(Pace::windows);
    let base = without.per_second();
    let paces = [&mut kept, &mut forgotten].map(|pace| 100.0 * pace.per_second() / base);
    for pace in [&mut without, &mut kept, &mut forgotten] {
        pace.rates = Vec::new();
    }
    drop((world, set_aside));
    let left = Counting::live();
    println!(
        "{name}: {} guards kept for {length:?} each, {} windows with one forgotten; {:.0} writes \
         a second without, {:.0} % of it under a guard, {:.0} % with one forgotten; the longest \
         write {:.1?} without, {:.1?} under a guard, {:.1?} with one forgotten; bytes in use: \
         {at_first} before, {} without, {} after a guard, {} with one forgotten (warm: {}, {}, \
         {}), {left} in the end",
        windows[0],
        windows[1],
        base,
        paces[0],
        paces[1],
        without.longest,
        kept.longest,
        forgotten.longest,
        without.most,
        kept.most,
        forgotten.most,
        without.warm,
        kept.warm,
        forgotten.warm,
    );
    for pace in [&without, &kept, &forgotten] {
        pace.assert_flat(name);
    }
    assert!(
        left <= at_first + MAX_LEAK,
        "{name}: {left} bytes are in use, {at_first} at first"
    );
    if windows[0] >= PAIRS {
        assert!(paces.iter().all(|pace| *pace >= PACE), "{name}: {paces:?}");
    }
}

pub(crate) fn run<S: Soaked>(name: &str, time: Duration, strategy: impl Fn() -> S) {
    // Makes the allocations that happen once for the whole process.
    soak(&format!("{name}, rehearsal"), Duration::ZERO, strategy());
    soak(name, time, strategy());
}
