//! Every row of the tables in `migrating.md` stands in the code below its table,
//! which the doctests compile and run.

const PAGE: &str = include_str!("../migrating.md");

/// The neighbours, in the page's order, and how many rows each has at least.
const SECTIONS: [(&str, usize); 9] = [
    ("From `RwLock<HashMap>`", 15),
    ("From `DashMap`", 15),
    ("From `papaya`", 15),
    ("From `flashmap`", 15),
    ("From `evmap`", 15),
    ("From `left-right`", 12),
    ("From `arc-swap`", 10),
    ("From `tokio::sync::watch`", 9),
    ("From a hand-written watch loop", 8),
];

/// A row: the code of the first column, and that of the second.
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

/// What stands between backticks.
fn spans(cell: &str) -> Vec<String> {
    let spans = cell.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace('\u{0}', "|")).collect()
}

/// The compiled code without its comments, and the blocks that are not compiled.
fn code(section: &str) -> (String, Vec<&str>) {
    let (mut code, mut other, mut fence) = (String::new(), vec![], None);
    for line in section.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(info), None) => fence = Some(info),
            (Some(_), Some(_)) => fence = None,
            (None, Some("rust")) => {
                let statement = line.split("//").next().unwrap_or("");
                code.extend([statement, "\n"]);
            }
            (None, Some(info)) => other.push(info),
            (None, None) => {}
        }
    }
    (code, other)
}

/// The rows that are not in the code, in their order, both forms and an assertion.
fn faults(section: &str) -> Vec<String> {
    let (code, other) = code(section);
    let mut faults: Vec<String> = other
        .iter()
        .map(|info| format!("not compiled: a block of `{info}`"))
        .collect();
    let mut rest = code.as_str();
    for (theirs, ours, row) in rows(section) {
        if theirs.is_empty() || ours.is_empty() {
            faults.push(format!("no code in a column: {row}"));
            continue;
        }
        // From where the last row ended.
        let begin = rest;
        for span in theirs.iter().chain(&ours) {
            match rest.split_once(span.as_str()) {
                Some((_, after)) => rest = after,
                None => faults.push(format!("`{span}` is not in the code, or not here: {row}")),
            }
        }
        let to_the_next_blank = rest.find("\n\n").unwrap_or(rest.len());
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
    assert_eq!(found, SECTIONS.map(|(title, _)| title));
    for ((title, text), (_, least)) in sections(PAGE).zip(SECTIONS) {
        let rows = rows(text).len();
        assert!(rows >= least, "{title}: {rows} rows");
        assert!(text.contains("**What differs.**"), "{title}");
        assert!(text.contains("**When to stay.**"), "{title}");
    }
}

#[test]
fn each_row_is_in_the_code() {
    for (title, text) in sections(PAGE) {
        let faults = faults(text);
        assert!(faults.is_empty(), "{title}:\n{}", faults.join("\n"));
    }
}

const SAMPLE: &str = "
| theirs | ours | what differs |
|---|---|---|
| `a.get(\\|n\\| n)` | `b.get(\\|n\\| n)` | `nothing` |
| `a.put(1)` | `b.take()`, `b.put(1)` | |

```rust
assert_eq!(a.get(|n| n), b.get(|n| n));

a.put(1); // as there
b.take();
b.put(1);
assert_eq!(a, b);
```
";

#[test]
fn the_check_accepts_what_is_right() {
    assert_eq!(faults(SAMPLE), [""; 0]);
    assert_eq!(rows(SAMPLE).len(), 2);
}

#[test]
fn the_check_finds_what_is_missing() {
    for (right, wrong) in [
        ("a.put(1);", "a.put(2);"),
        ("b.take();\n", ""),
        ("b.put(1);\n", "// b.put(1);\n"),
        ("a.get(|n| n), ", ""),
        ("assert_eq!(a, b);\n", ""),
        ("b.take();\nb.put(1);", "b.put(1);\nb.take();"),
        ("```rust", "```rust,ignore"),
        ("| `b.take()`, `b.put(1)` |", "| put |"),
        ("| `a.put(1)` |", "| put |"),
    ] {
        let page = SAMPLE.replacen(right, wrong, 1);
        assert_ne!(page, SAMPLE, "{right}");
        assert!(!faults(&page).is_empty(), "not found: {wrong}");
    }
}
