//! Handles, guards, swaps and the log, beside a model.
#![no_main]

#[path = "../../tests/handles/main.rs"]
mod handles;
mod panics;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    panics::end_the_process_if_they_escape(|| handles::run(data));
});
