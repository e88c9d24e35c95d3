//! Every row of the tables in `docs/migrating.md` is in the code of its module here, which runs
//! both forms and compares the results.
#![allow(
    clippy::option_map_unit_fn,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std, and the code is as a user writes it"
)]

mod arc_swap;
mod dashmap;
mod evmap;
mod flashmap;
mod left_right;
mod papaya;
mod rwlock;
mod watch;
mod watch_loop;

const PAGE: &str = include_str!("../../migrating.md");

/// The neighbours, in the page's order, with the code and how many rows each has at least.
const SECTIONS: [(&str, &str, usize); 9] = [
    ("From `RwLock<HashMap>`", include_str!("rwlock.rs"), 10),
    ("From `DashMap`", include_str!("dashmap.rs"), 10),
    ("From `papaya`", include_str!("papaya.rs"), 8),
    ("From `flashmap`", include_str!("flashmap.rs"), 10),
    ("From `evmap`", include_str!("evmap.rs"), 10),
    ("From `left-right`", include_str!("left_right.rs"), 10),
    ("From `arc-swap`", include_str!("arc_swap.rs"), 10),
    ("From `tokio::sync::watch`", include_str!("watch.rs"), 9),
    (
        "From a hand-written watch loop",
        include_str!("watch_loop.rs"),
        8,
    ),
];

/// A row: the code of the first column, that of the second, and the line.
type Row<'p> = (Vec<String>, Vec<String>, &'p str);

fn sections(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n## ")
        .filter_map(|section| section.split_once('\n'))
        .filter(|(title, _)| title.starts_with("From "))
}

fn rows(section: &str) -> Vec<Row<'_>> {
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("| theirs | ours |") && !line.starts_with("|---|"))
        .map(|line| {
            let hidden = line.replace("\\|", "\u{0}");
            let mut cells = hidden.split('|').skip(1);
            let mut code = || spans(cells.next().unwrap_or(""));
            (code(), code(), line)
        })
        .collect()
}

/// The code between backticks.
fn spans(cell: &str) -> Vec<String> {
    let spans = cell.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace('\u{0}', "|")).collect()
}

/// What ends a paragraph of [`condensed`] code.
const BLANK: &str = "\u{1}";

/// Code without comments and spaces, as no formatter changes it.
fn condensed(code: &str) -> String {
    let mut all = String::new();
    for line in code.lines() {
        if line.trim().is_empty() {
            all.push_str(BLANK);
        }
        let statement = line.split("//").next().unwrap_or("");
        all.extend(statement.split_whitespace());
    }
    all
}

/// The rows that are not in the code, in their order, both forms and an assertion.
fn faults(section: &str, code: &str) -> Vec<String> {
    let code = condensed(code);
    let mut faults = vec![];
    let mut rest = code.as_str();
    for (theirs, ours, row) in rows(section) {
        if theirs.is_empty() || ours.is_empty() {
            faults.push(format!("no code in a column: {row}"));
            continue;
        }
        // From where the last row ended.
        let begin = rest;
        for span in theirs.iter().chain(&ours) {
            match rest.split_once(&condensed(span)) {
                Some((_, after)) => rest = after,
                None => faults.push(format!("`{span}` is not in the code, or not here: {row}")),
            }
        }
        let to_the_next_blank = rest.find(BLANK).unwrap_or(rest.len());
        let stretch = &begin[..begin.len() - rest.len() + to_the_next_blank];
        if !stretch.contains("assert") {
            faults.push(format!("nothing is asserted: {row}"));
        }
    }
    faults
}

#[test]
fn each_neighbour_has_a_section() {
    let found: Vec<_> = sections(PAGE).map(|(title, _)| title).collect();
    assert_eq!(found, SECTIONS.map(|(title, ..)| title));
    for ((title, text), (_, _, least)) in sections(PAGE).zip(SECTIONS) {
        let rows = rows(text).len();
        assert!(rows >= least, "{title}: {rows} rows");
        assert!(text.contains("**When to stay.**"), "{title}");
    }
}

#[test]
fn each_row_is_in_the_code() {
    for ((title, text), (_, code, _)) in sections(PAGE).zip(SECTIONS) {
        let faults = faults(text, code);
        assert!(faults.is_empty(), "{title}:\n{}", faults.join("\n"));
    }
}

const TABLE: &str = "
| theirs | ours | what differs |
|---|---|---|
| `a.get(\\|n\\| n)` | `b.get(\\|n\\| n)` | `nothing` |
| `a.put(1)` | `b.take()`, `b.put(1)` | |
";

const CODE: &str = "
assert_eq!(
    a.get(|n| n),
    b.get(|n| n)
);

a.put(1); // as there
b.take();
b.put(1);
assert_eq!(a, b);
";

#[test]
fn the_check_accepts_what_is_right() {
    assert_eq!(faults(TABLE, CODE), [""; 0]);
    assert_eq!(rows(TABLE).len(), 2);
}

#[test]
fn the_check_finds_what_is_missing() {
    for (right, wrong) in [
        ("a.put(1);", "a.put(2);"),
        ("b.take();\n", ""),
        ("b.put(1);\n", "// b.put(1);\n"),
        ("    a.get(|n| n),\n", ""),
        ("assert_eq!(a, b);\n", ""),
        ("b.take();\nb.put(1);", "b.put(1);\nb.take();"),
        ("| `b.take()`, `b.put(1)` |", "| put |"),
        ("| `a.put(1)` |", "| put |"),
    ] {
        let (table, code) = (
            TABLE.replacen(right, wrong, 1),
            CODE.replacen(right, wrong, 1),
        );
        assert_ne!((table.as_str(), code.as_str()), (TABLE, CODE), "{right}");
        assert!(!faults(&table, &code).is_empty(), "not found: {wrong}");
    }
}
