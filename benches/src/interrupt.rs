//! Ctrl-C ends the measuring; the report follows.

use core::sync::atomic::{AtomicBool, Ordering};
use std::process;

static ASKED: AtomicBool = AtomicBool::new(false);

/// What a shell says of a program that an interrupt ended.
pub(crate) const EXIT: u8 = 130;

/// From now on an interrupt is noted. A second one ends the program.
pub(crate) fn listen() {
    let noted = ctrlc::set_handler(|| {
        // Relaxed: nothing else is told by it.
        if ASKED.swap(true, Ordering::Relaxed) {
            process::exit(EXIT.into());
        }
    });
    if let Err(error) = noted {
        eprintln!("note: an interrupt will leave no report: {error}");
    }
}

/// Whether it is time to stop.
pub(crate) fn asked() -> bool {
    // Relaxed: only whether, not what came before.
    ASKED.load(Ordering::Relaxed)
}
