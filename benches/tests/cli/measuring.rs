//! What is measured, and how often.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::{file, folder, measure, path, program, run, text, written};

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
