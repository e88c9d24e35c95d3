//! What is measured: the figures and the loads in them.

pub(crate) mod figure;
pub(crate) mod headline;
mod published;
mod scaling;

use figure::{Figure, Settings};

/// Every figure, in the order in which they are measured and reported.
pub(crate) fn all(settings: &Settings) -> Vec<Figure> {
    let mut all = vec![headline::names(settings)];
    all.extend(headline::trace(settings));
    all.extend([
        headline::cells(settings),
        published::ycsb(settings),
        published::conc_map_bench(settings),
        headline::tail(settings),
        headline::stuck(),
        headline::crossover(settings),
        scaling::interval(settings),
        published::growth(settings),
        published::flashmap(settings),
        scaling::memory(settings),
        scaling::threads(settings),
        scaling::idle(),
        scaling::sizes(settings),
        published::evmap(settings),
        published::xsync(settings),
        scaling::mix(settings),
        scaling::fences(settings),
    ]);
    all
}
