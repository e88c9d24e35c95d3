//! Code that must not compile, with its message, and a twin of each that does.
#![cfg(not(any(dbuf_loom, dbuf_sanitize, miri)))]

#[test]
fn misuse_does_not_compile_and_its_twin_does() {
    let cases = trybuild::TestCases::new();
    let mut twins = 0;
    for entry in std::fs::read_dir("tests/ui").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_none_or(|extension| extension != "rs") || name.ends_with("_twin") {
            continue;
        }
        let twin = path.with_file_name(format!("{name}_twin.rs"));
        assert!(twin.exists(), "{name} has no twin that compiles");
        cases.compile_fail(&path);
        cases.pass(twin);
        twins += 1;
    }
    assert!(twins > 0);
}
