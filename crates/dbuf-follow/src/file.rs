//! A copy of the map in a file.
//!
//! Its parts are the magic, the version of the format (`u32`), the name of the source, the revision
//! (`u64`), the number of entries (`u64`), a key and a value for each, and the CRC-32 of all that.
//! Numbers are little-endian; the length (`u32`) precedes each name, key and value.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::decoder::Decoder;
use crate::follower::Map;
use crate::source::{Error, Revision};

const MAGIC: &[u8; 12] = b"dbuf-follow\n";
const VERSION: u32 = 1;

/// Why a file could not be read or written. Without a file, the state is loaded from the engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read or written.
    Io(io::Error),
    /// Another program wrote the file.
    Foreign,
    /// The file has another version of the format.
    Version(u32),
    /// The file is torn: its length or its checksum is wrong.
    Torn,
    /// The file is the copy of another source.
    OtherSource(String),
    /// An entry of the file does not decode.
    Undecodable(Error),
    /// A key or value is too long: 4 GiB or more.
    TooLong,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Foreign => f.write_str("dbuf-follow did not write this file"),
            Self::Version(version) => write!(f, "the copy has format {version}, not {VERSION}"),
            Self::Torn => f.write_str("the copy is torn: its length or checksum is wrong"),
            Self::OtherSource(name) => write!(f, "the copy is of another source: {name}"),
            Self::Undecodable(error) => {
                write!(f, "an entry of the copy does not decode: {error}")
            }
            Self::TooLong => f.write_str("an entry is too long for the copy"),
        }
    }
}

impl core::error::Error for FileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Undecodable(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Converts keys and values to bytes.
pub(crate) struct Encode<K, V> {
    pub(crate) key: ToBytes<K>,
    pub(crate) value: ToBytes<V>,
}

type ToBytes<T> = Box<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

type Decode<A, B, K, V> = fn(&Decoder<A, B, K, V>, Vec<u8>, Vec<u8>) -> Result<(K, V), Error>;

/// The file of a map.
pub(crate) struct Store<A, B, K, V> {
    path: PathBuf,
    encode: Arc<Encode<K, V>>,
    /// A function pointer, since only `new` knows that `A` and `B` are bytes.
    decode: Decode<A, B, K, V>,
    pub(crate) interval: Duration,
    /// The time and the revision of the last write.
    last: Option<(Instant, Revision)>,
    /// A load must be written before the interval ends.
    due: bool,
    writing: Option<JoinHandle<Result<(), FileError>>>,
}

impl<K, V> Store<Vec<u8>, Vec<u8>, K, V> {
    pub(crate) fn new(path: PathBuf, encode: Arc<Encode<K, V>>) -> Self {
        Self {
            path,
            encode,
            decode: |decoder, key, value| Ok(((decoder.key)(key)?, (decoder.value)(value)?)),
            interval: Duration::from_secs(30),
            last: None,
            due: false,
            writing: None,
        }
    }
}

impl<A, B, K, V> Store<A, B, K, V> {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the revision and the entries of the file, or `None` without a file.
    #[expect(clippy::type_complexity, reason = "a revision and entries")]
    pub(crate) fn load(
        &mut self,
        name: &str,
        decoder: &Decoder<A, B, K, V>,
    ) -> Result<Option<(Revision, Vec<(K, V)>)>, FileError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (revision, raw) = parse(&bytes, name)?;
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let entry = (self.decode)(decoder, key.into(), value.into());
            entries.push(entry.map_err(FileError::Undecodable)?);
        }
        self.last = Some((Instant::now(), revision));
        Ok(Some((revision, entries)))
    }

    /// Starts a write of the file if one is due, and returns the result of the last write.
    pub(crate) fn save<H>(
        &mut self,
        name: String,
        map: &Map<K, V, H>,
        revision: Revision,
        reset: bool,
    ) -> Result<(), FileError>
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
        H: BuildHasher + Send + Sync + 'static,
    {
        self.due |= reset;
        let ended = match self.writing.take_if(|writing| writing.is_finished()) {
            Some(writing) => writing
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("encoding panicked").into())),
            None => Ok(()),
        };
        let due = self.due
            || self
                .last
                .is_none_or(|(began, saved)| saved != revision && began.elapsed() >= self.interval);
        if self.writing.is_none() && due {
            self.last = Some((Instant::now(), revision));
            self.due = false;
            let (map, encode, path) = (map.clone(), Arc::clone(&self.encode), self.path.clone());
            let thread = thread::Builder::new().name("dbuf-follow-file".into());
            let spawned = thread.spawn(move || {
                let bytes = compose(&name, &map, &encode)?;
                replace(&path, &bytes)
            });
            self.writing = Some(spawned?);
        }
        ended
    }
}

fn compose<K, V, H>(
    name: &str,
    map: &Map<K, V, H>,
    encode: &Encode<K, V>,
) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    push(&mut bytes, name.as_bytes())?;
    let map = map.read();
    bytes.extend(map.revision().to_le_bytes());
    bytes.extend((map.len() as u64).to_le_bytes());
    for (key, value) in &map {
        push(&mut bytes, &(encode.key)(key))?;
        push(&mut bytes, &(encode.value)(value))?;
    }
    drop(map);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) -> Result<(), FileError> {
    let len = u32::try_from(part.len()).map_err(|_| FileError::TooLong)?;
    bytes.extend(len.to_le_bytes());
    bytes.extend(part);
    Ok(())
}

/// Writes a new file and renames it, so that the path always has the old or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: the number only has to be unique.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(alloc::format!(".{}.{number}.new", std::process::id()));
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    if let Err(error) = written {
        // The file may not exist.
        _ = fs::remove_file(&new);
        return Err(error.into());
    }
    #[cfg(unix)]
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

type Raw<'b> = Vec<(&'b [u8], &'b [u8])>;

fn parse<'b>(bytes: &'b [u8], name: &str) -> Result<(Revision, Raw<'b>), FileError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| {
        // A file that ends within the magic may be one of this crate.
        match MAGIC.starts_with(bytes) {
            true => FileError::Torn,
            false => FileError::Foreign,
        }
    })?;
    let (version, _) = number::<4>(rest)?;
    let version = u32::from_le_bytes(version);
    if version != VERSION {
        return Err(FileError::Version(version));
    }
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(FileError::Torn)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(FileError::Torn);
    }
    let rest = body.get(MAGIC.len() + 4..).ok_or(FileError::Torn)?;
    let (found, rest) = part(rest)?;
    if found != name.as_bytes() {
        let found = String::from_utf8_lossy(found).into_owned();
        return Err(FileError::OtherSource(found));
    }
    let (revision, rest) = number::<8>(rest)?;
    let (count, mut rest) = number::<8>(rest)?;
    let mut entries = Vec::new();
    for _ in 0..u64::from_le_bytes(count) {
        let (key, after) = part(rest)?;
        let (value, after) = part(after)?;
        entries.push((key, value));
        rest = after;
    }
    match rest {
        [] => Ok((u64::from_le_bytes(revision), entries)),
        _ => Err(FileError::Torn),
    }
}

fn number<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), FileError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(FileError::Torn)?;
    Ok((*number, rest))
}

fn part(bytes: &[u8]) -> Result<(&[u8], &[u8]), FileError> {
    let (len, rest) = number::<4>(bytes)?;
    rest.split_at_checked(u32::from_le_bytes(len) as usize)
        .ok_or(FileError::Torn)
}
