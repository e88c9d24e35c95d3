//! Real keys, the user's own operations, and single values.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::num::NonZero;

use super::figure::{Case, Figure, Mode, Settings};
use super::loads::{Task, load, some_threads, threads_that};
use crate::drive::maps::Load;
use crate::drive::thread::{Pace, Publish, Role};
use crate::metric::Metric;
use crate::workload::input::Trace;
use crate::workload::keyspace::Distribution;
use crate::workload::state::OwnKeys;
use crate::workload::values::Value;

const BATCH: usize = 10;

/// Lookups of text, alone and beside a writer.
pub(super) fn names(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let case = |panel: &str, is_beside: bool| {
        let texts = settings.texts.clone();
        let load = move || {
            let keys = Distribution::Zipf(1.0);
            let write = Task::WRITE.keys(keys).publish(Publish::Each(BATCH));
            let tasks = Task::READ.keys(keys).times_and(readers, write);
            let count = if is_beside { readers + 1 } else { readers };
            load(texts.keyspace(), 0, &tasks[..count])
        };
        Case::texts(panel, load)
    };
    Figure {
        id: "names",
        title: "A lookup of text",
        definition: format!(
            "{} {}, asked for by Zipf (exponent 1); {}. A read is the median block of 1,000 lookups: hashing, \
             entering, comparing keys, leaving, checking the value. Beside a writer: one more thread publishes \
             batches of {BATCH} overwritten values as fast as it can, which no real writer does.",
            settings.texts.len(),
            settings.texts.origin,
            threads_that(readers, "read"),
        ),
        metrics: &[Metric::Read, Metric::Reads, Metric::Writes],
        cases: vec![case("alone", false), case("beside a writer", true)],
        ..Figure::DEFAULT
    }
}

/// The user's own operations, by a number of threads.
pub(super) fn replay(trace: &Rc<Trace>, threads: usize, publish: usize) -> Case {
    let trace = Rc::clone(trace);
    let panel = format!("{}, publish every {publish}", some_threads(threads));
    let load = move || {
        let count = NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN);
        let role = |thread| Role {
            workload: Arc::new(trace.workload(thread, count)),
            own: OwnKeys::default(),
            publish: Publish::Each(publish),
            pace: Pace::Closed,
        };
        Load {
            keyspace: trace.keyspace(),
            roles: (0..threads).map(role).collect(),
            value_bytes: Value::BYTES,
            idle: 0,
            grows: false,
        }
    };
    Case::texts(&panel, load)
}

/// The user's own operations.
pub(super) fn trace(settings: &Settings) -> Option<Figure> {
    let trace = settings.trace.as_ref()?;
    let threads = settings.threads_or(&[settings.mixers()]);
    let cases = |publish| {
        threads
            .iter()
            .map(move |&threads| replay(trace, threads, publish))
    };
    Some(Figure {
        id: "trace",
        title: "Your trace",
        definition: format!(
            "{}, {:.1} % of them writes, again and again, from another start for each thread. The map begins with \
             all of its keys.",
            trace.origin(),
            trace.write_share() * 100.0,
        ),
        cases: cases(1).chain(cases(100)).collect(),
        ..Figure::DEFAULT
    })
}

/// One value instead of a map.
pub(super) fn cells(settings: &Settings) -> Figure {
    let mut cases = vec![
        Case::cells("alone", 1, false),
        Case::cells("beside a writer", 1, true),
    ];
    if settings.mode == Mode::Full && settings.mixers() > 1 {
        let readers = settings.mixers();
        cases.push(Case::cells(&format!("{readers} readers"), readers, false));
    }
    Figure {
        id: "cells",
        title: "A read of one value",
        definition: "Two words in a cell. A read enters, copies them, leaves, and checks that they belong together. \
                     The median block of 1,000 reads. epoch-refresh takes one guard for each block and refreshes it \
                     for each read; arc-swap-cache keeps a reference in the same way. Beside a writer: one more \
                     thread stores as fast as it can. local is for one thread, so nobody writes beside it; \
                     triple-buffer is for one reader."
            .to_owned(),
        metrics: &[Metric::Read, Metric::Writes],
        cases,
        ..Figure::DEFAULT
    }
}
