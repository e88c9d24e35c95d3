//! The program as it is run: what it refuses, what it prints, what it writes.
#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbuf-bench"));
    command.args(args);
    command
}

fn run(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

/// A short run that writes into a folder.
fn measure(folder: &TempDir, args: &[&str]) -> Output {
    let out = path(folder, "out");
    let common = ["--seconds", "0.3", "--threads", "1,2", "--out", &out];
    let output = run(&[&common, args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn path(folder: &TempDir, name: &str) -> String {
    name_of(&folder.path().join(name))
}

fn name_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> String {
    fs::write(folder.path().join(name), content).unwrap();
    path(folder, name)
}

fn written(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join("out").join(name)).unwrap()
}

/// Exit code 2, one line on stderr with all of `parts`, nothing on stdout.
fn refuses(args: &[&str], parts: &[&str]) {
    let output = run(args);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
    assert_eq!(text(&output.stdout), "", "{args:?}");
    assert!(line.starts_with("error: "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
}

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

#[test]
fn a_chosen_figure_and_chosen_contenders_are_all_that_is_measured() {
    let folder = folder();
    let output = measure(&folder, &["--only", "ycsb,epoch,papaya"]);
    let table = text(&output.stdout);
    assert!(table.starts_with("plan: 0.3 s in 1 figures"), "{table}");
    let csv = written(&folder, "figures.csv");
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("figure,panel,x,contender,metric,unit,round,value")
    );
    let mut seen = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0], "ycsb");
        assert!(["epoch", "papaya"].contains(&fields[3]), "{line}");
        assert!(fields[7].parse::<f64>().unwrap() >= 0.0, "{line}");
        let digits = fields[7].replace('.', "");
        assert!(digits.trim_matches('0').len() <= 5, "{line}");
        seen += 1;
    }
    // Two panels, two contenders, five rounds, two numbers or more.
    assert!(seen >= 2 * 2 * 5 * 2, "{csv}");
    assert!(table.contains("| papaya"), "{table}");
    assert!(!table.contains("| dashmap"), "{table}");
    assert!(text(&output.stderr).contains("ycsb 1 of 2"));
}

#[test]
fn every_contender_has_all_its_numbers_in_every_round() {
    let folder = folder();
    let keys = file(&folder, "keys", "eins\nzwei\n".as_bytes());
    let trace = file(&folder, "trace", b"get a\ninsert b\nget b\nremove b\n");
    let out = path(&folder, "out");
    let only = "names,trace,cells,tail,stuck,growth,memory";
    let files = ["--keys", &keys, "--trace", &trace, "--out", &out];
    let flags = [
        "--quick",
        "--seconds",
        "6",
        "--threads",
        "2",
        "--only",
        only,
    ];
    assert!(run(&[&flags[..], &files].concat()).status.success());

    let rates = "operations/s, reads/s, writes/s";
    let tails = |what: &str| {
        let all = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];
        all.map(|it| format!("{what} {it}")).join(", ")
    };
    let expected = |figure: &str, panel: &str| match (figure, panel) {
        ("names", "alone") => "a read, operations/s, reads/s".to_owned(),
        ("names", _) => format!("a read, {rates}"),
        ("cells", "alone") => "a read, reads/s".to_owned(),
        ("cells", _) => "a read, reads/s, writes/s".to_owned(),
        ("trace", _) => rates.to_owned(),
        ("tail", _) => format!("{rates}, {}", tails("read")),
        ("growth", _) => format!("{rates}, entries, {}", tails("write")),
        ("stuck", _) => tails("write"),
        _ => "bytes/entry".to_owned(),
    };
    let mut found = BTreeMap::<_, BTreeMap<_, BTreeMap<_, Vec<String>>>>::new();
    for row in csv::Reader::from_path(path(&folder, "out/figures.csv"))
        .unwrap()
        .into_deserialize::<[String; 8]>()
    {
        let [figure, panel, _, contender, metric, _, round, value] = row.unwrap();
        let number: f64 = value.parse().unwrap();
        // On a busy machine, a thread may get to one operation only, or to no tick that counts.
        let is_mixed = ["growth", "tail", "trace"].contains(&&*figure);
        let may_be_none = is_mixed && ["reads/s", "writes/s"].contains(&&*metric);
        assert!(
            number > 0.0 || may_be_none,
            "{figure}: {contender} {metric}"
        );
        let contenders = found.entry((figure, panel)).or_default();
        let rounds = contenders.entry(contender).or_default();
        rounds.entry(round).or_default().push(metric);
    }
    assert_eq!(found.len(), 2 + 2 + 2 + 1 + 2 + 1 + 1);
    for ((figure, panel), contenders) in found {
        assert!(contenders.len() > 14, "{figure}: {}", contenders.len());
        for (contender, rounds) in contenders {
            let count = if figure == "memory" { 1 } else { 3 };
            assert_eq!(rounds.len(), count, "{figure}: {contender}");
            for metrics in rounds.values() {
                let expected = expected(&figure, &panel);
                assert_eq!(metrics.join(", "), expected, "{contender}");
            }
        }
    }
}

#[test]
fn every_mode_plans_to_end_in_its_time() {
    let folder = folder();
    let out = path(&folder, "out");
    for (mode, most) in [
        (&["--quick"][..], 15.0),
        (&[], 120.0),
        (&["--full"], 3600.0),
    ] {
        let args = [mode, &["--threads", "1,2", "--out", &out]].concat();
        let mut child = program(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let (time, _) = line
            .strip_prefix("plan: ")
            .and_then(|rest| rest.split_once(" in "))
            .expect(&line);
        let (minutes, seconds) = time.split_once(" min ").unwrap_or(("0", time));
        let seconds = seconds.trim_end_matches(" s").parse::<f64>().unwrap();
        let seconds = minutes.parse::<f64>().unwrap() * 60.0 + seconds;
        // A tenth is left for loading the keys, and for a machine that has other work.
        assert!(seconds <= most * 0.9, "{line}");
        assert!(seconds >= most * 0.45, "{line}");
    }
}

#[test]
fn the_headline_judges_the_default_types_and_names_the_costs_of_fences() {
    let folder = folder();
    let only = "conc-map-bench,epoch,flash,concurrent,dashmap";
    let output = measure(&folder, &["--only", only]);
    let table = text(&output.stdout);
    assert!(
        table.contains("\nfences: a SeqCst fence after a store costs "),
        "{table}"
    );
    let (_, verdicts) = table.split_once("The default types against").expect(table);
    for part in ["\nconcurrent: ", "\nepoch: ", " ahead, ", "(flash "] {
        assert!(verdicts.contains(part), "{part:?}: {verdicts}");
    }
    assert!(written(&folder, "report.html").contains("SeqCst fence"));
}

#[test]
fn figures_with_bars_compare_a_few_round_by_round() {
    let folder = folder();
    for (figure, contenders) in [
        (
            "mix",
            vec!["concurrent", "mutex-writer", "evmap", "dashmap", "papaya"],
        ),
        ("fences", vec!["adaptive", "symmetric", "asymmetric"]),
    ] {
        let output = measure(&folder, &["--only", figure]);
        let table = text(&output.stdout);
        for part in [
            "1 thread: ",
            "2 threads: ",
            ": ratio of ",
            "the best of them",
        ] {
            assert!(table.contains(part), "{part:?}: {table}");
        }
        assert!(
            table.contains(" met 0.") || table.contains(" MISSED 0."),
            "{table}"
        );
        let csv = written(&folder, "figures.csv");
        let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut seen: Vec<String> = csv.lines().skip(1).map(|l| fields(l)[3].clone()).collect();
        seen.sort_unstable();
        seen.dedup();
        let mut expected = contenders;
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }
}

#[test]
fn own_keys_and_an_own_trace_are_measured() {
    let folder = folder();
    let keys = file(&folder, "keys", "eins\nzwei\n".as_bytes());
    let trace = file(&folder, "trace", b"get a\ninsert b\nget b\nremove b\n");
    let only = "names,trace,flash,rwlock-std";
    let output = measure(
        &folder,
        &["--keys", &keys, "--trace", &trace, "--only", only],
    );
    let table = text(&output.stdout);
    assert!(table.contains("Your trace"), "{table}");
    let html = written(&folder, "report.html");
    assert!(html.contains("2 lines of &#x27;"));
    assert!(html.contains("50.0 % of them writes"));
}

#[test]
fn json_says_what_the_table_says() {
    let folder = folder();
    let output = measure(&folder, &["--only", "cells,epoch,left-right", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["partial"], false);
    assert!(json["clock_ns"].as_f64().unwrap() > 0.0);
    assert!(json["facts"]["commit"].is_string());
    let points = json["figures"][0]["points"].as_array().unwrap();
    let of = |name: &str| points.iter().filter(|p| p["contender"] == name).count();
    assert!(of("epoch") > 0 && of("left-right") > 0);
    for point in points {
        let number = |name: &str| point[name].as_f64().unwrap();
        assert!(number("min") <= number("median") && number("median") <= number("max"));
    }
}

#[test]
fn the_report_needs_nothing_else() {
    let folder = folder();
    measure(&folder, &["--only", "cells,xsync,epoch,arc-swap"]);
    let html = written(&folder, "report.html");
    assert!(html.starts_with("<!doctype html>\n"), "{}", &html[..60]);
    for part in ["<svg", "prefers-color-scheme: dark", "width=device-width"] {
        assert!(html.contains(part), "{part}");
    }
    for part in [
        "http:", "https:", "<script", "<link", "src=", "@import", "url(",
    ] {
        assert!(!html.contains(part), "{part}");
    }
    let count = |part| html.matches(part).count();
    assert_eq!(count("<svg"), count("</svg>"));
    // Each element of a chart is there as it is, not as text.
    assert!(count("<circle") + count("<rect") > 0 && count("&lt;path") == 0);
    assert_eq!(names(&folder), ["figures.csv", "report.html"]);
}

#[test]
fn pictures_are_drawn_of_a_run_and_of_its_results() {
    let folder = folder();
    let [of_run, of_file] = ["run", "file"].map(|name| path(&folder, name));
    let only = "tail,stuck,concurrent,papaya,flash";
    measure(&folder, &["--only", only, "--pictures", &of_run]);
    let results = path(&folder, "out/figures.csv");
    let output = run(&["--pictures", &of_file, "--from", &results]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for pictures in [of_run, of_file] {
        for name in ["tail-light", "tail-dark", "stuck-light", "stuck-dark"] {
            let picture = fs::read_to_string(format!("{pictures}/{name}.svg")).unwrap();
            assert!(picture.starts_with("<svg xmlns="), "{picture}");
            // Colours of a page would have no meaning here, and flash is not drawn.
            let parts = [
                "ConcurrentHashMap</text>",
                "papaya</text>",
                "<desc",
                "var(",
                "flash",
            ];
            let found = parts.map(|part| picture.contains(part));
            assert_eq!(found, [true, true, true, false, false], "{name}: {picture}");
        }
        assert_eq!(fs::read_dir(pictures).unwrap().count(), 4);
    }
    refuses(&["--from", &results], &["--pictures"]);
    let broken = file(
        &folder,
        "broken",
        b"figure,panel,x,contender,metric,unit,round,value\nstuck,a map,0,none,a read,ns,0,1\n",
    );
    refuses(
        &["--pictures", &results, "--from", &broken],
        &[&broken, "'none'"],
    );
}

/// The files of the report, hidden ones included.
fn names(folder: &TempDir) -> Vec<String> {
    let files = fs::read_dir(folder.path().join("out")).unwrap();
    let mut names: Vec<_> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sends what Ctrl-C sends, once the program has measured something.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_report_that_says_so_first() {
    use std::io::Read;

    let folder = folder();
    let out = path(&folder, "out");
    let mut child = program(&["--only", "ycsb,epoch", "--seconds", "600", "--out", &out])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    progress.read_line(&mut line).unwrap();
    assert!(line.starts_with("ycsb 1 of 2"), "{line}");
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let mut table = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut table)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let begin = table.find("PARTIAL").expect(&table);
    // After the plan and the machine, which were printed before.
    assert!(table[..begin].ends_with('\n'), "{table}");
    for name in ["report.html", "figures.csv"] {
        let content = written(&folder, name);
        let first = content.lines().next().unwrap();
        assert!(first.contains("PARTIAL"), "{name}: {first}");
    }
}

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
