//! Ctrl-C ends the measuring and not the report.

use core::sync::atomic::{AtomicBool, Ordering};
use std::process;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The exit code that shells have for a program that an interrupt ended.
pub const EXIT: u8 = 130;

/// From now on an interrupt is noted. A second one ends the program.
pub fn listen() {
    let noted = ctrlc::set_handler(|| {
        // Relaxed: no other memory depends on the flag.
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(EXIT.into());
        }
    });
    if let Err(error) = noted {
        eprintln!("note: an interrupt will leave no report: {error}");
    }
}

pub fn is_requested() -> bool {
    // Relaxed: no other memory depends on the flag.
    REQUESTED.load(Ordering::Relaxed)
}
