//! Compares handles, guards, swaps and the log with a model.
#![no_main]

#[path = "../../tests/handles/main.rs"]
mod handles;
mod panics;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    panics::abort_if_one_escapes(|| handles::run(data));
});
