//! A configuration that is reloaded from its file while threads use it.
//!
//! ```sh
//! cargo run -p dbuf-docs --example hot_reload
//! ```
//!
//! The program edits the file and reads it, four times. If the file parses, two worker
//! threads use the new configuration from their next request on. If not, it is refused with
//! one line, and the workers keep the old one.

use core::error::Error;
use core::str::FromStr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{env, fs, process, thread};

use dbuf_strategies::ConcurrentCell;

#[derive(Clone, Debug, PartialEq)]
struct Config {
    timeout: u32,
    retries: u32,
}

/// The configuration of the whole program: the defaults, until the file is read.
static CONFIG: ConcurrentCell<Config> = ConcurrentCell::new(Config {
    timeout: 10,
    retries: 0,
});

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

/// The file, and its text when it was read last.
struct Reload {
    path: PathBuf,
    seen: String,
}

impl Reload {
    fn start(path: PathBuf) -> Result<Self, Box<dyn Error>> {
        let seen = fs::read_to_string(&path)?;
        CONFIG.store(seen.parse()?);
        Ok(Self { path, seen })
    }

    /// Reads the file. Returns whether it has changed. A service calls this by a timer or on a
    /// signal.
    fn check(&mut self) -> Result<bool, Box<dyn Error>> {
        let text = fs::read_to_string(&self.path)?;
        if text == self.seen {
            return Ok(false);
        }
        self.seen = text;
        // Parsed completely before it is stored.
        CONFIG.store(self.seen.parse()?);
        Ok(true)
    }
}

/// A thread of the service. Each request uses one configuration from start to end.
fn work(requests: Receiver<Sender<Config>>) {
    for reply in requests {
        let config = CONFIG.read();
        // An error means that the reply is not awaited any more.
        let _ = reply.send(config.clone());
    }
}

fn show(path: PathBuf) -> Result<(), Box<dyn Error>> {
    fs::write(&path, "timeout = 10\nretries = 3")?;
    let mut reload = Reload::start(path.clone())?;
    thread::scope(|scope| {
        let workers = ["first", "second"].map(|name| {
            let (requests, queue) = channel();
            scope.spawn(move || work(queue));
            (name, requests)
        });
        for (text, timeout, retries) in [
            ("timeout = 30\nretries = 3", 30, 3),
            ("timeout = soon\nretries = 5", 30, 3),
            ("timeout = 30\nretrys = 5", 30, 3),
            ("timeout = 30\nretries = 5", 30, 5),
        ] {
            let before = CONFIG.load();
            fs::write(&path, text)?;
            println!("the file becomes {text:?}");
            match reload.check() {
                Ok(changed) => assert!(changed && !reload.check()?, "seen, and seen once"),
                Err(error) => {
                    println!("  refused: {error}");
                    assert_eq!(*CONFIG.read(), before);
                }
            }
            for (name, requests) in &workers {
                let (reply, answer) = channel();
                requests.send(reply)?;
                let config = answer.recv()?;
                assert_eq!(config, Config { timeout, retries });
                println!("  {name} worker: {config:?}");
            }
        }
        Ok(())
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::temp_dir().join(format!("dbuf-hot-reload-{}.conf", process::id()));
    let shown = show(path.clone());
    // An error means that it was never written, and `shown` says why.
    let _ = fs::remove_file(path);
    shown
}
