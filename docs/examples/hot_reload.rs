//! A configuration that is reloaded from its file while threads use it.
//!
//! ```sh
//! cargo run -p dbuf-docs --example hot_reload
//! ```
//!
//! The program edits the file and looks at it, four times. What parses is taken over: the
//! workers, two threads with a reader each, use it from their next request on. What does
//! not parse is refused with one line, and the workers go on with what they have.

use core::error::Error;
use core::str::FromStr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{env, fs, process, thread};

use dbuf_core::{ArcReader, ArcWriter, arc};
use dbuf_strategies::EpochStrategy;

#[derive(Clone, Debug, PartialEq)]
struct Config {
    timeout: u32,
    retries: u32,
}

impl FromStr for Config {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut timeout, mut retries) = (None, None);
        for line in text.lines() {
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| format!("{line:?} is not `name = number`"))?;
            let value = value.trim().parse();
            let value = value.map_err(|error| format!("{line:?}: {error}"))?;
            match name.trim() {
                "timeout" => timeout = Some(value),
                "retries" => retries = Some(value),
                other => return Err(format!("there is no setting {other:?}")),
            }
        }
        Ok(Self {
            timeout: timeout.ok_or("timeout is missing")?,
            retries: retries.ok_or("retries is missing")?,
        })
    }
}

/// The file, as it was seen last, and the buffer that follows it.
struct Reload {
    path: PathBuf,
    seen: String,
    config: ArcWriter<Config, EpochStrategy>,
}

impl Reload {
    fn start(path: PathBuf) -> Result<(Self, ArcReader<Config, EpochStrategy>), Box<dyn Error>> {
        let seen = fs::read_to_string(&path)?;
        let first: Config = seen.parse()?;
        let (config, reader) = arc(first.clone(), first, EpochStrategy::new());
        Ok((Self { path, seen, config }, reader))
    }

    /// Looks at the file. Whether it has changed. A service does this by a timer or on a
    /// signal.
    fn look(&mut self) -> Result<bool, Box<dyn Error>> {
        let text = fs::read_to_string(&self.path)?;
        if text == self.seen {
            return Ok(false);
        }
        self.seen = text;
        // All of it is right before any of it is stored.
        let config = self.seen.parse()?;
        self.config.store(config);
        Ok(true)
    }
}

/// A thread of the service. Each request uses one configuration from begin to end.
fn work(config: &ArcReader<Config, EpochStrategy>, requests: Receiver<Sender<Config>>) {
    for reply in requests {
        let config = config.read();
        // An error: nobody waits for the reply any more.
        let _ = reply.send(config.clone());
    }
}

fn show(path: PathBuf) -> Result<(), Box<dyn Error>> {
    fs::write(&path, "timeout = 10\nretries = 3")?;
    let (mut reload, reader) = Reload::start(path.clone())?;
    thread::scope(|scope| {
        let workers = ["first", "second"].map(|name| {
            let (requests, queue) = channel();
            let config = reader.clone();
            scope.spawn(move || work(&config, queue));
            (name, requests)
        });
        for (text, timeout, retries) in [
            ("timeout = 30\nretries = 3", 30, 3),
            ("timeout = soon\nretries = 5", 30, 3),
            ("timeout = 30\nretrys = 5", 30, 3),
            ("timeout = 30\nretries = 5", 30, 5),
        ] {
            let in_progress = reader.read();
            let before = in_progress.clone();
            fs::write(&path, text)?;
            println!("the file becomes {text:?}");
            match reload.look() {
                Ok(changed) => assert!(changed && !reload.look()?, "seen, and seen once"),
                Err(error) => println!("  refused: {error}"),
            }
            for (name, requests) in &workers {
                let (reply, answer) = channel();
                requests.send(reply)?;
                let config = answer.recv()?;
                assert_eq!(config, Config { timeout, retries });
                println!("  {name} worker: {config:?}");
            }
            assert_eq!(*in_progress, before, "a guard keeps what it has");
        }
        Ok(())
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::temp_dir().join(format!("dbuf-hot-reload-{}.conf", process::id()));
    let shown = show(path.clone());
    // An error: it was never written, and `shown` says why.
    let _ = fs::remove_file(path);
    shown
}
