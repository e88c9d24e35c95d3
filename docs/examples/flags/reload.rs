//! Follows the file of flags.
//!
//! The file is read five times a second and compared with its last contents. That costs a
//! small read, and finds every kind of change: an editor that renames, a symbolic link that
//! changes (Kubernetes), a network file system. The kernel reports the first two only for the
//! folder, and the third not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Flags;
use super::store::Store;

const INTERVAL: Duration = Duration::from_millis(200);

/// The contents of the file, or why it could not be read.
type Contents = Result<Vec<u8>, String>;

/// Follows one file.
pub struct Reload<S> {
    path: PathBuf,
    store: S,
    /// The contents that were handled last.
    seen: Contents,
}

impl<S: Store> Reload<S> {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// If that fails, or the file does not contain flags.
    pub async fn start(path: &Path, store: S) -> Result<Self, String> {
        let seen = read(path).await;
        let flags = parse(path, &seen)?;
        store.replace(flags).await;
        Ok(Self {
            path: path.to_owned(),
            store,
            seen,
        })
    }

    /// Follows the file until the future is dropped. Each change that is accepted or refused
    /// is reported with one line.
    pub async fn follow(mut self, mut report: impl FnMut(String)) {
        let mut before = self.seen.clone();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = read(&self.path).await;
            // Twice the same, so it is not being written.
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

async fn read(path: &Path) -> Contents {
    let read = tokio::fs::read(path).await;
    read.map_err(|error| error.to_string())
}

fn parse(path: &Path, contents: &Contents) -> Result<Flags, String> {
    let path = path.display();
    let text = contents
        .as_ref()
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    serde_json::from_slice(text).map_err(|error| {
        format!(r#"{path} is not an object of flags such as {{"dark-mode": true}}: {error}"#)
    })
}
