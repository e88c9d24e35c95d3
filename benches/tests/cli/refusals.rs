//! What the program refuses, and what it says without measuring.

use crate::{file, folder, name_of, path, refuses, run, text};

#[test]
fn malformed_flags_are_refused() {
    refuses(&["--fast"], &["--fast", "--help"]);
    refuses(&["extra"], &["extra", "--help"]);
    refuses(&["--keys"], &["--keys", "--help"]);
    refuses(&["--quick", "--full"], &["--quick", "--full"]);
    refuses(&["--seconds", "0"], &["--seconds", "0.01"]);
    refuses(&["--seconds", "1e99"], &["--seconds", "86400"]);
    refuses(&["--threads", "many"], &["--threads", "many"]);
}

#[test]
fn zero_and_absurd_sizes_are_refused() {
    refuses(&["--threads", "0"], &["--threads", "0 is not in 1..="]);
    refuses(&["--threads", "1,0"], &["--threads", "0 is not in 1..="]);
    refuses(&["--threads", "100000"], &["--threads", "1..="]);
    let advise = |flag: &str, number: &str| {
        let mut load = vec![
            ("--reads-per-second", "1000"),
            ("--writes-per-second", "10"),
            ("--map-size", "100"),
            ("--readers", "1"),
        ];
        load.retain(|(name, _)| *name != flag);
        load.push((flag, number));
        let load = load.iter().flat_map(|&(name, number)| [name, number]);
        let args: Vec<&str> = ["advise"].into_iter().chain(load).collect();
        refuses(&args, &[flag, number]);
    };
    advise("--reads-per-second", "0");
    advise("--reads-per-second", "99999999999999");
    advise("--writes-per-second", "9999999999");
    advise("--map-size", "0");
    advise("--map-size", "4000000000");
    advise("--readers", "0");
    advise("--readers", "5000");
    advise("--writers", "0");
    advise("--value-bytes", "7");
    advise("--value-bytes", "99999999999");
    advise("--seconds", "0");
    let too_large = ["--map-size", "20000000", "--value-bytes", "1000"];
    let rates = ["--reads-per-second", "5", "--writes-per-second", "5"];
    let args = [&["advise"], &rates[..], &too_large].concat();
    refuses(&args, &["20000000000", "--map-size", "--value-bytes"]);
}

#[test]
fn unknown_names_are_refused_with_those_that_are_known() {
    let parts = ["fastest", "crossover", "epoch", "triple-buffer", "--list"];
    refuses(&["--only", "fastest"], &parts);
    refuses(&["--only", "ycsb,fastest"], &parts);
    refuses(&["--only", "trace"], &["--trace"]);
    refuses(&["--only", "memory,local"], &["--only", "--list"]);
}

#[test]
fn files_that_give_nothing_are_refused() {
    let folder = folder();
    for (flag, advice) in [("--keys", "one key a line"), ("--trace", "'get KEY'")] {
        let missing = path(&folder, "missing");
        refuses(&[flag, &missing], &["cannot read", &missing, advice]);
        let directory = name_of(folder.path());
        refuses(&[flag, &directory], &["cannot read", &directory, advice]);
        for content in ["", "\n\r\n\n"] {
            let empty = file(&folder, "empty", content.as_bytes());
            refuses(&[flag, &empty], &["is empty", &empty, advice]);
        }
        let binary = file(&folder, "binary", b"get a\nnot \xff\n");
        refuses(&[flag, &binary], &["not UTF-8 in line 2", &binary, advice]);
    }
}

#[test]
fn a_malformed_trace_is_refused_with_its_line() {
    let folder = folder();
    let trace = file(&folder, "trace", b"get a\ninsert b\n\nfetch c\n");
    let parts = ["in line 4", "fetch c", "'remove KEY'"];
    refuses(&["--trace", &trace], &parts);
    refuses(&["advise", "--trace", &trace], &parts);
    // Not the key `x 5`.
    let values = file(&folder, "values", b"get x\ninsert x 5\n");
    let parts = ["in line 2", "insert x 5", "a key has no spaces"];
    refuses(&["--trace", &values], &parts);
    refuses(&["advise", "--trace", &values], &parts);
}

#[test]
fn advice_needs_a_whole_load() {
    refuses(&["advise"], &["--reads-per-second", "--map-size"]);
    refuses(
        &["advise", "--reads-per-second", "5"],
        &["--writes-per-second"],
    );
    refuses(&["advise", "--threads", "2"], &["--trace"]);
    let folder = folder();
    let missing = path(&folder, "missing");
    refuses(&["advise", "--trace", &missing], &["cannot read", &missing]);
    let both = ["advise", "--trace", &missing, "--readers", "2"];
    refuses(&both, &["--trace", "--readers", "cannot be used with"]);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused_before_anything_is_measured() {
    let folder = folder();
    let taken = file(&folder, "taken", b"a file");
    refuses(&["--out", &taken], &["cannot write to", &taken, "--out"]);
}

#[test]
fn help_version_and_list_are_no_errors() {
    let parts: [(&str, &[&str]); 3] = [
        ("--help", &["--only", "--trace", "--json", "advise"]),
        ("--version", &["dbuf-bench "]),
        (
            "--list",
            &["crossover", "flashmap", "arc-swap-cache", "--full"],
        ),
    ];
    for (flag, parts) in parts {
        let output = run(&[flag]);
        assert!(output.status.success());
        assert_eq!(text(&output.stderr), "");
        for part in parts {
            assert!(text(&output.stdout).contains(part), "{flag}: {part}");
        }
    }
}
