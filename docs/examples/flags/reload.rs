//! The file of flags, and how it is followed.
//!
//! It is read again five times a second, and compared with what it was. That costs a
//! small read, and holds for whatever replaces a file: an editor that renames, a
//! symbolic link that is turned (Kubernetes), a network file system that reports
//! nothing. Notifications of the kernel see the first two only through the folder, and
//! the third not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Flags;
use super::store::Store;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the file held, or why it could not be read.
type Look = Result<Vec<u8>, String>;

/// Follows one file.
pub struct Reload<S> {
    path: PathBuf,
    store: S,
    /// What was dealt with last.
    seen: Look,
}

impl<S: Store> Reload<S> {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// If that is not possible, or the file is not one of flags.
    pub async fn start(path: &Path, store: S) -> Result<Self, String> {
        let seen = look(path).await;
        let flags = parse(path, &seen)?;
        store.replace(flags).await;
        Ok(Self {
            path: path.to_owned(),
            store,
            seen,
        })
    }

    /// Follows the file for ever. Each change that is taken over or refused is
    /// reported with one line.
    pub async fn follow(mut self, mut report: impl FnMut(String)) {
        let mut before = self.seen.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = look(&self.path).await;
            // Twice the same: nobody is in the middle of writing it.
            if now == before && now != self.seen {
                match parse(&self.path, &now) {
                    Ok(flags) => {
                        let line = format!("{}: {} flags", self.path.display(), flags.len());
                        self.store.replace(flags).await;
                        report(line);
                    }
                    Err(error) => report(format!("{error}; the flags stay as they were")),
                }
                self.seen.clone_from(&now);
            }
            before = now;
        }
    }
}

async fn look(path: &Path) -> Look {
    let read = tokio::fs::read(path).await;
    read.map_err(|error| error.to_string())
}

fn parse(path: &Path, look: &Look) -> Result<Flags, String> {
    let path = path.display();
    let text = look
        .as_ref()
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    serde_json::from_slice(text).map_err(|error| {
        format!(r#"{path} is not an object of flags such as {{"dark-mode": true}}: {error}"#)
    })
}
