use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

/// The folder of a report.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Makes the folder if there is none, and tries whether it can be written to:
    /// better now than after an hour.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let files = Self {
            folder: folder.to_owned(),
        };
        let aside = files.aside("try");
        fs::write(&aside, "")?;
        fs::remove_file(&aside)?;
        Ok(files)
    }

    fn aside(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.{}", process::id()))
    }

    /// Writes each aside and then renames it: nobody ever sees half a file.
    pub(crate) fn write(&self, files: &[(&str, String)]) -> io::Result<()> {
        for (name, content) in files {
            let aside = self.aside(name);
            fs::write(&aside, content)?;
            fs::rename(&aside, self.folder.join(name)).inspect_err(|_| {
                // The error of the renaming is the one to tell.
                let _ = fs::remove_file(&aside);
            })?;
        }
        Ok(())
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.folder.join("report.html");
        write!(f, "{} and figures.csv beside it", report.display())
    }
}
