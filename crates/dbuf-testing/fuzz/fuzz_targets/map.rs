//! Compares the map, the set, the multi-map and the concurrent map with collections of std.
#![no_main]

#[allow(dead_code, unused_imports, reason = "the tests of the module are not built here")]
#[path = "../../../dbuf-hashmap/tests/model/main.rs"]
mod model;
mod panics;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    panics::abort_if_one_escapes(|| model::run(data));
});
