//! What a run leaves: numbers, a page, pictures, also after an interrupt.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{file, folder, measure, names, path, program, refuses, run, text, written};

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

/// The pictures of the README are those of the committed results.
#[test]
fn the_committed_pictures_show_the_committed_results() {
    let (folder, root) = (
        folder(),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"),
    );
    let results = root.join("benchmarks/full/figures.csv");
    let drawn = path(&folder, "pictures");
    let output = run(&["--from", results.to_str().unwrap(), "--pictures", &drawn]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for figure in ["crossover", "tail", "stuck"] {
        for theme in ["light", "dark"] {
            let name = format!("{figure}-{theme}.svg");
            let [ours, new] = [root.join("pictures"), drawn.clone().into()]
                .map(|folder| fs::read_to_string(folder.join(&name)).unwrap());
            assert!(
                ours == new,
                "docs/pictures/{name} is of other results; draw it: --from FILE --pictures docs/pictures"
            );
        }
    }
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
