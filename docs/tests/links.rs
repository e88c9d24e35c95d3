//! Every link in the documents leads somewhere, every path that they name is there, the
//! lists of documents and scripts are complete, the design has each clause that a comment
//! cites, and each picture has a twin for the other theme.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The pages below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|p| p.is_dir());
    let mut pages: Vec<_> = files.into_iter().filter(|path| is_page(path)).collect();
    pages.extend(folders.iter().flat_map(|folder| below(folder)));
    pages
}

/// All documents: those at the top, those in `docs`, and each crate's.
fn pages() -> Vec<PathBuf> {
    let mut pages = entries(root());
    pages.retain(|path| path.is_file() && is_page(path));
    pages.extend(below(&root().join("docs")));
    let crates = entries(&root().join("crates"));
    let readmes = crates.iter().map(|folder| folder.join("README.md"));
    pages.extend(readmes.filter(|path| path.exists()));
    pages
}

/// What a page points at, and what can be pointed at in it.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    paths: Vec<String>,
    anchors: Vec<String>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None::<String>;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let title = heading.take().unwrap_or_default();
                    page.add_anchor(&title);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => page.links.extend(targets(&html)),
                Event::Code(code) => {
                    page.paths.extend(paths(&code));
                    heading.iter_mut().for_each(|title| title.push_str(&code));
                }
                Event::Text(text) => heading.iter_mut().for_each(|title| title.push_str(&text)),
                _ => {}
            }
        }
        page
    }

    /// The name that a heading gets on GitHub. A second one of the same text is numbered.
    fn add_anchor(&mut self, title: &str) {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let name: String = title.to_lowercase().chars().filter(kept).collect();
        let name = name.replace(' ', "-");
        let numbered = (1..).map(|n| format!("{name}-{n}"));
        let mut names = [name.clone()].into_iter().chain(numbered);
        let free = names.find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// What HTML within a page points at.
fn targets(html: &str) -> Vec<String> {
    let attributes = ["src=\"", "srcset=\"", "href=\""];
    let values = attributes
        .iter()
        .flat_map(|name| html.split(name).skip(1))
        .filter_map(|rest| rest.split('"').next());
    values.map(str::to_owned).collect()
}

/// The files that a piece of code names as files of this repository: its first word, with
/// braces written out. Patterns and placeholders name none.
fn paths(code: &str) -> Vec<String> {
    const FOLDERS: [&str; 4] = ["docs/", "crates/", "benches/", ".ci/"];
    let word = code.split_whitespace().next().unwrap_or("");
    if !FOLDERS.iter().any(|folder| word.starts_with(folder)) || word.contains(['*', '<']) {
        return vec![];
    }
    if let Some((head, rest)) = word.split_once('{')
        && let Some((list, tail)) = rest.split_once('}')
    {
        return list
            .split(',')
            .map(|item| format!("{head}{item}{tail}"))
            .collect();
    }
    vec![word.to_owned()]
}

/// Why a link on a page leads nowhere.
fn check(page: &Path, parsed: &Page, link: &str) -> Result<(), String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() {
        return found(&parsed.anchors, anchor, link);
    }
    let target = page.parent().unwrap().join(path);
    let target = target
        .canonicalize()
        .map_err(|e| format!("({link}): {e}"))?;
    if !target.starts_with(root().canonicalize().unwrap()) {
        return Err(format!("({link}) is outside"));
    }
    if anchor.is_empty() {
        return Ok(());
    }
    if !is_page(&target) {
        return Err(format!("({link}): only pages have headings"));
    }
    let text = fs::read_to_string(&target).map_err(|e| format!("({link}): {e}"))?;
    found(&Page::parse(&text).anchors, anchor, link)
}

fn found(anchors: &[String], anchor: &str, link: &str) -> Result<(), String> {
    if anchors.iter().any(|name| name == anchor) {
        return Ok(());
    }
    Err(format!(
        "({link}): no such heading; there are {}",
        anchors.join(", ")
    ))
}

/// What is wrong with a page.
fn faults(page: &Path, text: &str) -> Vec<String> {
    let parsed = Page::parse(text);
    let links = parsed.links.iter();
    let mut faults: Vec<_> = links
        .filter_map(|link| check(page, &parsed, link).err())
        .collect();
    let missing = parsed
        .paths
        .iter()
        .filter(|path| !root().join(path).exists());
    faults.extend(missing.map(|path| format!("`{path}` does not exist")));
    faults
}

#[test]
fn links_and_paths_lead_somewhere() {
    let mut all = vec![];
    let mut links = 0;
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        links += Page::parse(&text).links.len();
        all.extend(
            faults(&path, &text)
                .into_iter()
                .map(|fault| format!("{name}: {fault}")),
        );
    }
    assert!(links > 50, "only {links} links: the pages are read wrongly");
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_index_names_every_document() {
    let docs = root().join("docs");
    let index = docs.join("README.md");
    let linked: Vec<_> = Page::parse(&fs::read_to_string(&index).unwrap())
        .links
        .iter()
        .filter_map(|link| {
            docs.join(link.split('#').next().unwrap())
                .canonicalize()
                .ok()
        })
        .collect();
    let mut missing = below(&docs);
    missing.retain(|page| {
        let page = page.canonicalize().unwrap();
        // A link to a folder shows its README.
        let folder = page.parent().filter(|_| page.ends_with("README.md"));
        let mut links = linked.iter().map(PathBuf::as_path);
        !links.any(|link| link == page || Some(link) == folder)
    });
    missing.retain(|page| *page != index);
    assert!(
        missing.is_empty(),
        "docs/README.md does not link {missing:#?}"
    );
}

/// The sources of the crates whose comments cite clauses of the design.
fn citing() -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in entries(folder) {
            if path.is_dir() {
                add(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    for part in ["dbuf-core/src", "dbuf-strategies", "dbuf-testing"] {
        add(&root().join("crates").join(part), &mut found);
    }
    found
}

/// A capital letter and a number of one or two digits: S13, E1.
fn is_label(word: &str) -> bool {
    let digits = word.strip_prefix(|c: char| c.is_ascii_uppercase());
    digits.is_some_and(|digits| {
        (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
    })
}

/// The clauses that a line's comment cites: labels, and numbers behind the page's name.
fn cited(line: &str) -> Vec<String> {
    let Some((_, comment)) = line.split_once("//") else {
        return vec![];
    };
    let words = comment.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut cited: Vec<_> = words
        .filter(|word| is_label(word))
        .map(str::to_owned)
        .collect();
    for rest in comment.split("`docs/design.md`, ").skip(1) {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let number = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        cited.push(number.to_owned());
    }
    cited
}

/// Whether the page has a clause, or a section of that number.
fn has_clause(page: &str, clause: &str) -> bool {
    page.contains(&format!("**{clause}**")) || page.contains(&format!("\n## {clause}. "))
}

#[test]
fn the_design_has_each_clause_that_a_comment_cites() {
    let page = fs::read_to_string(root().join("docs/design.md")).unwrap();
    let mut all = vec![];
    for path in citing() {
        for line in fs::read_to_string(&path).unwrap().lines() {
            all.extend(cited(line));
        }
    }
    all.sort();
    all.dedup();
    assert!(
        all.len() > 50,
        "only {all:?}: the comments are read wrongly"
    );
    all.retain(|clause| !has_clause(&page, clause));
    assert!(all.is_empty(), "docs/design.md has no {all:?}");
}

#[test]
fn a_clause_that_is_not_there_is_noticed() {
    let line = "    f(); // by S2 (C15), P1202, W3: see `docs/design.md`, 6.9, A100";
    assert_eq!(cited(line), ["S2", "C15", "W3", "6.9"]);
    assert_eq!(cited("S2: no comment"), [""; 0]);
    let page = "\n## 6. Epoch\n**6.9** and **S2**";
    for (clause, there) in [
        ("S2", true),
        ("6.9", true),
        ("6", true),
        ("S1", false),
        ("6.1", false),
    ] {
        assert_eq!(has_clause(page, clause), there, "{clause}");
    }
}

#[test]
fn the_table_of_scripts_names_each() {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let has_row = |script: &str| {
        let begin = format!("| `.ci/{script}");
        let mut rows = page.lines().filter_map(|line| line.strip_prefix(&begin));
        rows.any(|rest| rest.starts_with(['`', ' ']))
    };
    let mut missing = entries(&root().join(".ci"));
    // Settings of the scripts have an extension, scripts have none.
    missing.retain(|path| path.is_file() && path.extension().is_none());
    missing.retain(|path| !has_row(path.file_name().unwrap().to_str().unwrap()));
    assert!(
        missing.is_empty(),
        "CONTRIBUTING.md has no row for {missing:#?}"
    );
}

/// A picture without its colours.
fn shape(picture: &str) -> (&str, &str) {
    let (head, rest) = picture
        .split_once("<style>")
        .expect("a picture has a style");
    let (_, tail) = rest.split_once("</style>").expect("the style ends");
    (head, tail)
}

#[test]
fn pictures_come_in_two_themes() {
    let pictures = entries(&root().join("docs/pictures"));
    assert!(!pictures.is_empty());
    for path in pictures {
        let name = path.file_name().unwrap().to_str().unwrap();
        let stem = name
            .strip_suffix("-light.svg")
            .or(name.strip_suffix("-dark.svg"));
        let stem = stem.unwrap_or_else(|| panic!("{name}: of which theme?"));
        let [light, dark] = ["light", "dark"].map(|theme| {
            let twin = path.with_file_name(format!("{stem}-{theme}.svg"));
            fs::read_to_string(&twin).unwrap_or_else(|e| panic!("{}: {e}", twin.display()))
        });
        assert_eq!(
            shape(&light),
            shape(&dark),
            "{stem}: the themes differ in more than colours"
        );
        assert_ne!(light, dark, "{stem}: one set of colours for both themes");
        for part in ["role=\"img\"", "<title", "<desc"] {
            assert!(
                light.contains(part),
                "{stem} has no {part} for readers who cannot see it"
            );
        }
    }
}

const SAMPLE: &str = "\
# A head, with `code`
[a](README.md), [b](../README.md#which-crate), [c](#a-head-with-code), <https://example.org/none>
and `docs/src/lib.rs`, `.ci/run`, `.ci/loom [FILTER]`, `docs/pictures/two-buffers-{light,dark}.svg`,
`crates/<name>/none.rs`, <img src=\"pictures/publish-light.svg\">

# Again
# Again

[d](#again-1)

```text
[not a link](none.md) `docs/none`
```
";

#[test]
fn the_check_accepts_what_is_right() {
    let page = root().join("docs/SAMPLE.md");
    assert_eq!(faults(&page, SAMPLE), [""; 0]);
    assert_eq!(Page::parse(SAMPLE).links.len(), 6);
    assert_eq!(Page::parse(SAMPLE).paths.len(), 5);
}

#[test]
fn the_check_finds_what_leads_nowhere() {
    let page = root().join("docs/SAMPLE.md");
    for (right, wrong) in [
        ("(README.md)", "(NONE.md)"),
        ("(README.md)", "(../../README.md)"),
        ("#which-crate", "#which-box"),
        ("(../README.md#", "(src/lib.rs#"),
        ("#a-head-with-code", "#a-head"),
        ("#again-1", "#again-2"),
        ("docs/src/lib.rs", "docs/src/none.rs"),
        (".ci/loom ", ".ci/none "),
        ("{light,dark}", "{light,none}"),
        ("publish-light", "publish-none"),
    ] {
        let text = SAMPLE.replacen(right, wrong, 1);
        assert_ne!(text, SAMPLE, "{right}");
        assert_eq!(faults(&page, &text).len(), 1, "not found: {wrong}");
    }
}
