//! Every link in the documents leads somewhere, every path that they name is there, the
//! lists of documents and scripts are complete, the design has each clause that a comment
//! cites, and each picture has a twin for the other theme.

mod clauses;
mod page;
mod pictures;

use std::fs;
use std::path::{Path, PathBuf};

use page::{Page, faults};

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
