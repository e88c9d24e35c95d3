//! The folder of a report.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::Failure;

#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if there is none, and checks that it can be written to: better now than
    /// after an hour.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let folder = Self(path.to_owned());
        let checked = fs::create_dir_all(path).and_then(|()| {
            let aside = folder.aside("check");
            fs::write(&aside, "")?;
            fs::remove_file(&aside)
        });
        let refuse = |error| {
            let path = path.display();
            let advice = "give --out a folder that can be written to";
            Failure::Usage(format!("cannot write to '{path}': {error}; {advice}"))
        };
        checked.map(|()| folder).map_err(refuse)
    }

    fn aside(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.{}", process::id()))
    }

    /// Writes each file aside and renames it, so that nobody sees half a file.
    pub(crate) fn write(&self, files: &[(String, String)]) -> io::Result<()> {
        for (name, content) in files {
            let aside = self.aside(name);
            fs::write(&aside, content)?;
            fs::rename(&aside, self.0.join(name)).inspect_err(|_| {
                // The error of the renaming is the one to report.
                let _ = fs::remove_file(&aside);
            })?;
        }
        Ok(())
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0.join("report.html");
        write!(f, "{} and figures.csv beside it", report.display())
    }
}
