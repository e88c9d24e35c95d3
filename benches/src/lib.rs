//! Compares the strategies of dbuf, and what else there is, on real keys.
//!
//! Four concerns that know little of each other:
//!
//! * [`contenders`]: what is compared. A contender is one file that implements
//!   [`Contender`], and one line in [`contenders::ALL`].
//! * [`Keys`] and [`Workload`]: what is asked of each, the same for all.
//! * [`Subject`], [`Plan`] and [`Plan::run`]: how it is measured, in how much time.
//! * [`Report`]: what is said about it.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use dbuf_bench::{Keys, Plan, Report, Workload, contenders};
//!
//! let keys = Keys::from_text("apple\nbanana\ncherry", "three fruits")?;
//! let workload = Workload::new(keys, 1);
//! let plan = Plan::new(contenders::ALL, &[1], Duration::from_millis(50));
//! let results = plan.run(&workload, |_| {});
//! let table = Report::new(&plan, &workload).table(&results);
//! assert!(table.contains("epoch"));
//! # Ok::<(), dbuf_bench::KeysError>(())
//! ```
#![forbid(unsafe_code)]

extern crate alloc;

mod cli;
pub mod contenders;
mod keys;
mod machine;
mod measure;
mod plan;
mod report;
mod sequence;
mod stats;
mod workload;

pub use cli::{Cli, Time, one_line};
pub use contenders::{Contender, Entry, Hash, Lookup, Publish};
pub use keys::{Keys, KeysError, Value};
pub use machine::Machine;
pub use measure::{Sample, Subject};
pub use plan::{Outcome, Plan};
pub use report::Report;
pub use stats::{Spread, median};
pub use workload::Workload;
