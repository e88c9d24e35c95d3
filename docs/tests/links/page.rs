//! What a page points at, and whether that is there.

use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{is_page, root};

/// What a page points at, and what can be pointed at in it.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) links: Vec<String>,
    paths: Vec<String>,
    anchors: Vec<String>,
}

impl Page {
    pub(crate) fn parse(text: &str) -> Self {
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
pub(crate) fn faults(page: &Path, text: &str) -> Vec<String> {
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
