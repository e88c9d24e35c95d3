//! Real keys, the user's own operations, and single values.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::num::NonZero;

use super::{
    Case, CaseLoad, Chart, Figure, Mode, Plain, Settings, load, some_threads, threads_that,
};
use crate::drive::{CellLoad, Load, Publish, Role, Way};
use crate::maps::Value;
use crate::metric::Metric;
use crate::script::Mix;
use crate::space::Keys;
use crate::state::Own;
use crate::trace::Trace;

const BATCH: usize = 10;

/// Lookups of text, alone and beside a writer.
pub(super) fn names(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let case = |panel: &str, is_beside: bool| {
        let texts = settings.texts.clone();
        let load = move || {
            let read = Plain::READ.keys(Keys::Zipf(1.0));
            let mut threads = vec![read; readers];
            if is_beside {
                let write = Plain {
                    mix: Mix::put(1.0),
                    ..read
                };
                threads.push(write.publish(Publish::Each(BATCH)));
            }
            load(texts.space(), 0, &threads)
        };
        Case {
            panel: panel.to_owned(),
            x: 0.0,
            load: CaseLoad::Texts(Box::new(load)),
            apart: false,
            duel: None,
        }
    };
    Figure {
        id: "names",
        title: "A lookup of text",
        definition: format!(
            "{} {}, asked for by Zipf (exponent 1); {}. A read is the median block of 1,000 \
             lookups: hashing, entering, comparing keys, leaving, checking the value. Beside a writer: one \
             more thread publishes batches of {BATCH} overwritten values as fast as it can, which no real \
             writer does.",
            settings.texts.len(),
            settings.texts.origin,
            threads_that(readers, "read"),
        ),
        chart: Chart::Bars,
        metrics: &[Metric::Read, Metric::Reads, Metric::Writes],
        cases: vec![case("alone", false), case("beside a writer", true)],
        since: Mode::Quick,
        weight: 1,
    }
}

/// The user's own operations, by so many threads.
pub(super) fn replay(trace: &Rc<Trace>, threads: usize, publish: usize) -> Case {
    let trace = Rc::clone(trace);
    let load = move || {
        let count = NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN);
        let role = |thread| Role {
            script: Arc::new(trace.script(thread, count)),
            own: Own::default(),
            publish: Publish::Each(publish),
            way: Way::Closed,
        };
        Load {
            space: trace.space(),
            roles: (0..threads).map(role).collect(),
            value_bytes: Value::BYTES,
            idle: 0,
            grows: false,
        }
    };
    Case {
        panel: format!("{}, publish every {publish}", some_threads(threads)),
        x: 0.0,
        load: CaseLoad::Texts(Box::new(load)),
        apart: false,
        duel: None,
    }
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
            "{}, {:.1} % of them writes, again and again, by some threads, each from another place on. \
             The map begins with all of its keys.",
            trace.origin,
            trace.write_share() * 100.0,
        ),
        chart: Chart::Bars,
        metrics: &[Metric::Ops],
        cases: cases(1).chain(cases(100)).collect(),
        since: Mode::Quick,
        weight: 1,
    })
}

/// One value instead of a map.
pub(super) fn cells(settings: &Settings) -> Figure {
    let case = |panel: &str, readers, writer| Case {
        panel: panel.to_owned(),
        x: 0.0,
        load: CaseLoad::Cells(CellLoad { readers, writer }),
        apart: false,
        duel: None,
    };
    let mut cases = vec![case("alone", 1, false), case("beside a writer", 1, true)];
    if settings.mode == Mode::Full && settings.mixers() > 1 {
        let readers = settings.mixers();
        cases.push(case(&format!("{readers} readers"), readers, false));
    }
    Figure {
        id: "cells",
        title: "A read of one value",
        definition: "Two words in a cell; a read enters, copies them, leaves, and checks that they belong \
                     together. The median block of 1,000 reads. epoch-refresh takes one guard for each block \
                     and refreshes it for each read; arc-swap-cache keeps what it has in the same way. \
                     Beside a writer: one more thread stores as fast as it can. Local is for one thread, \
                     so nobody writes beside it; triple-buffer is for one reader."
            .to_owned(),
        chart: Chart::Bars,
        metrics: &[Metric::Read, Metric::Writes],
        cases,
        since: Mode::Quick,
        weight: 1,
    }
}
