//! The two themes of each picture.

use std::fs;

use crate::{entries, root};

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
