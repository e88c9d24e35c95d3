//! The map, the set, the multi-map and the concurrent map, beside collections of std.
#![no_main]

#[allow(dead_code, unused_imports, reason = "its tests are not built here")]
#[path = "../../../dbuf-hashmap/tests/model/main.rs"]
mod model;
mod panics;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    panics::end_the_process_if_they_escape(|| model::run(data));
});
