//! `advise`.

use crate::{file, folder, measure, run, text};

/// What advice says, which ends in a recommendation or in why there is none: whether
/// the machine is quiet is not ours to say.
fn advice(args: &[&str]) -> String {
    let output = run(&[&["advise", "--seconds", "3"], args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout).to_owned();
    let is_clear = said.contains("\nrecommended: ") && said.contains("\nwhich is ");
    assert!(is_clear != said.contains("\ninconclusive: "), "{said}");
    for part in ["\nrule: ", "\nfences: ", "| papaya"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    said
}

const RATES: [&str; 6] = [
    "--reads-per-second",
    "10000",
    "--writes-per-second",
    "100",
    "--map-size",
    "1000",
];

#[test]
fn advice_names_a_map_and_its_rule_or_says_why_not() {
    let said = advice(&RATES);
    for part in [
        "| read p99",
        "100 writes/s by 1 thread",
        "values of 8 bytes",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn advice_takes_writers_and_the_size_of_values() {
    let more = ["--readers", "1", "--writers", "2", "--value-bytes", "500"];
    let said = advice(&[&RATES[..], &more].concat());
    let load = [
        "10000 reads/s by 1 thread",
        "by 2 threads",
        "values of 500 bytes",
    ];
    for part in load {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_trace_is_replayed_by_as_many_threads_as_asked() {
    let folder = folder();
    let trace = file(&folder, "trace", b"get a\ninsert b\nget b\nremove b\n");
    let said = advice(&["--trace", &trace, "--threads", "3"]);
    assert!(said.contains("replayed by 3 threads"), "{said}");
    let only = ["--trace", &trace, "--only", "trace,flash"];
    let output = measure(&folder, &only);
    for part in [
        "1 thread, publish every 1,",
        "2 threads, publish every 100,",
    ] {
        assert!(text(&output.stdout).contains(part), "{part}");
    }
}
