//! The copy of the map in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dbuf_follow::{Builder, Event, FileError, Follower, Problem, Stopped};
use tempfile::TempDir;

use crate::common::script::{Script, send};
use crate::common::{live, run, state};

type Bytes = Vec<u8>;
type Source = Script<Bytes, Bytes>;

/// Starts a follower of strings with a file. Returns it, its driver and the reported problems.
fn start(
    script: &Source,
    path: &Path,
) -> (
    Follower<String, String>,
    impl Future<Output = Stopped> + Send + 'static,
    Arc<Mutex<Vec<String>>>,
) {
    let problems = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&problems);
    let (follower, driver) =
        Builder::decoding(script.clone(), String::from_utf8, String::from_utf8)
            .delays(Duration::from_millis(1), Duration::from_millis(1))
            .on_problem(move |problem| {
                if let Problem::File { error, .. } = problem {
                    seen.lock().unwrap().push(kind(error).to_owned());
                }
            })
            .file(path, |k| k.clone().into(), |v| v.clone().into())
            .file_interval(Duration::ZERO)
            .start();
    (follower, driver, problems)
}

fn kind(error: &FileError) -> &'static str {
    assert!(!error.to_string().is_empty());
    match error {
        FileError::Io(_) => "io",
        FileError::Foreign => "foreign",
        FileError::Version(7) => "version 7",
        FileError::Torn => "torn",
        FileError::OtherSource(name) if name == "tpircs" => "other source",
        FileError::Undecodable(_) => "undecodable",
        error => panic!("{error:?}"),
    }
}

fn put(key: &str, value: &str) -> Event<Bytes, Bytes> {
    Event::Put(key.into(), value.into())
}

/// Makes a folder with the file of a follower that has two entries at revision 9.
fn written() -> (TempDir, PathBuf, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("copy");
    run(async {
        let script = Script::new(None);
        let stream = script.stream();
        let (follower, driver, problems) = start(&script, &path);
        tokio::spawn(driver);
        send(&stream, [Event::Reset, put("a", "1"), put("bb", "22")]);
        send(&stream, [Event::Commit(9)]);
        follower.wait_for(9).await.unwrap();
        while !path.exists() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*problems.lock().unwrap(), [""; 0]);
    });
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

fn two() -> BTreeMap<String, String> {
    [("a", "1"), ("bb", "22")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn file_is_served_at_once_and_resumed() {
    let (folder, path, _) = written();
    run(async {
        let script = Script::new(None);
        let stream = script.stream();
        let (follower, driver, problems) = start(&script, &path);
        // The file is served before the driver runs.
        assert_eq!(state(&follower), (9, two()));
        tokio::spawn(driver);
        send(&stream, [Event::Progress(9)]);
        live(&follower).await;
        assert_eq!(script.opened(), [Some(9)]);

        // Then the file is written again, with a rename.
        send(&stream, [Event::Delete("a".into()), Event::Commit(10)]);
        follower.wait_for(10).await.unwrap();
        let mut tried = 0;
        loop {
            let (again, _, refused) = start(&script, &path);
            assert_eq!(*refused.lock().unwrap(), [""; 0], "the file is not whole");
            if again.revision() >= 10 {
                assert_eq!(state(&again).1.len(), 1);
                break;
            }
            // A write that is due during another write starts with the next event.
            tried += 1;
            send(&stream, [Event::Progress(10 + tried)]);
            tokio::task::yield_now().await;
        }
        assert_eq!(*problems.lock().unwrap(), [""; 0]);
    });
    let others: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "copy" && !name.ends_with(".new"))
        .collect();
    assert_eq!(others, [""; 0], "files that nobody removes");
}

#[cfg(unix)]
#[test]
fn file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path, _) = written();
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Starts with a bad file: it is reported, the state is loaded, and a good file is written.
fn refuses(bytes: &[u8], expected: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("copy");
    fs::write(&path, bytes).unwrap();
    let script = Script::new(None);
    let stream = script.stream();
    let (follower, driver, problems) = start(&script, &path);
    assert_eq!(
        *problems.lock().unwrap(),
        [expected],
        "{} bytes",
        bytes.len()
    );
    assert_eq!(state(&follower), (0, BTreeMap::new()));
    if bytes.len() % 16 != 0 {
        return; // the other steps are slow, and the same for every file
    }
    run(async {
        tokio::spawn(driver);
        send(&stream, [Event::Reset, Event::Commit(11)]);
        follower.wait_for(11).await.unwrap();
        assert_eq!(script.opened(), [None]);
        while fs::read(&path).unwrap() == bytes {
            tokio::task::yield_now().await;
        }
        let (again, _, refused) = start(&script, &path);
        assert_eq!(*refused.lock().unwrap(), [""; 0]);
        assert_eq!(again.revision(), 11);
    });
}

#[test]
fn torn_file_is_refused() {
    let (_folder, _, bytes) = written();
    for len in 0..bytes.len() {
        refuses(&bytes[..len], "torn");
    }
    // Flipped bits after the magic and the version.
    for n in 16..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[n] ^= 1;
        refuses(&bytes, "torn");
    }
    refuses(&[&bytes[..], b"more"].concat(), "torn");
}

/// Replaces a part of the file and corrects its checksum.
fn changed(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    let mut bytes = bytes[..bytes.len() - 4].to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn foreign_file_is_refused() {
    let (_folder, _, bytes) = written();
    refuses(b"[settings]\ncolour = red\n", "foreign");
    refuses(&changed(&bytes, &[1, 0, 0, 0], &[7, 0, 0, 0]), "version 7");
    refuses(&changed(&bytes, b"script", b"tpircs"), "other source");
    refuses(&changed(&bytes, b"22", b"\xff\xff"), "undecodable");
    // A count and a length beyond the end, with a correct checksum.
    refuses(&changed(&bytes, &9_u64.to_le_bytes(), &[9; 16]), "torn");
    refuses(&changed(&bytes, b"\x02\0\0\x0022", &[255; 4]), "torn");
}

#[test]
fn file_that_cannot_be_written_is_reported_and_the_map_is_updated() {
    run(async {
        let folder = TempDir::new().unwrap();
        let script = Script::new(None);
        let stream = script.stream();
        let missing = folder.path().join("missing").join("copy");
        let (follower, driver, problems) = start(&script, &missing);
        tokio::spawn(driver);
        send(&stream, [Event::Reset]);
        let mut revision = 0;
        while problems.lock().unwrap().is_empty() {
            revision += 1;
            send(&stream, [Event::Commit(revision)]);
            follower.wait_for(revision).await.unwrap();
        }
        assert_eq!(problems.lock().unwrap()[0], "io");
        live(&follower).await;
    });
}
