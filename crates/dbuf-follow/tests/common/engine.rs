//! Real engines on loopback, and lines to them that a test can cut.

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// How long an engine may take until it answers.
pub const READY: Duration = Duration::from_secs(30);

/// A server with a temporary folder.
pub struct Engine {
    program: &'static str,
    arguments: Vec<String>,
    child: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Engine {
    /// Starts a program if it is [`installed`].
    fn start(
        program: &'static str,
        arguments: impl FnOnce(&Path, u16) -> Vec<String>,
    ) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let arguments = arguments(folder.path(), port);
        let child = installed(program, spawn(program, &arguments))?;
        Some(Self {
            program,
            arguments,
            child,
            port,
            _folder: folder,
        })
    }

    pub fn etcd() -> Option<Self> {
        Self::etcd_with("http", &[])
    }

    /// Starts etcd for clients of a scheme, with more arguments.
    pub fn etcd_with(scheme: &str, more: &[String]) -> Option<Self> {
        Self::start("etcd", |folder, port| {
            let client = format!("{scheme}://127.0.0.1:{port}");
            let peer = format!("http://127.0.0.1:{}", free_port());
            [
                ("data-dir", folder.join("data").to_str().unwrap()),
                ("listen-client-urls", &client),
                ("advertise-client-urls", &client),
                ("listen-peer-urls", &peer),
                ("initial-advertise-peer-urls", &peer),
                ("initial-cluster", &format!("default={peer}")),
                ("max-txn-ops", "10000"),
                ("log-level", "error"),
            ]
            .map(|(name, value)| format!("--{name}={value}"))
            .into_iter()
            .chain(more.iter().cloned())
            .collect()
        })
    }

    /// Starts NATS with JetStream and more arguments.
    pub fn nats(more: &[&str]) -> Option<Self> {
        Self::start("nats-server", |folder, port| {
            let port = port.to_string();
            let folder = folder.to_str().unwrap();
            let arguments = ["-js", "-a", "127.0.0.1", "-p", &port, "-sd", folder];
            arguments
                .iter()
                .chain(more)
                .map(|argument| argument.to_string())
                .collect()
        })
    }

    pub fn redis() -> Option<Self> {
        Self::start("redis-server", |folder, port| {
            let port = port.to_string();
            let folder = folder.to_str().unwrap();
            let arguments = ["--bind", "127.0.0.1", "--port", &port, "--dir", folder];
            let quiet = ["--save", "", "--loglevel", "warning"];
            let arguments = arguments.iter().chain(&quiet);
            arguments.map(|argument| argument.to_string()).collect()
        })
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the process, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the same server again, with its data.
    pub fn restart(&mut self) {
        self.child = spawn(self.program, &self.arguments).unwrap();
    }

    /// Stops the process, or continues it.
    pub fn pause(&self, pause: bool) {
        let signal = if pause { "-STOP" } else { "-CONT" };
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The test may have killed it.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Returns what a program has made. If it is not installed, prints that and returns `None`, or
/// panics if `CI_REQUIRE` is 1.
pub fn installed<T>(program: &str, made: io::Result<T>) -> Option<T> {
    let required = env::var_os("CI_REQUIRE").is_some_and(|value| value == "1");
    match made {
        Ok(made) => Some(made),
        Err(error) if required => panic!("{program}: {error}"),
        Err(error) => {
            eprintln!("SKIPPED: {program}: {error}");
            None
        }
    }
}

fn spawn(program: &str, arguments: &[String]) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Tries until it works, since an engine takes a while to start.
pub async fn ready<T, E: std::fmt::Debug>(mut try_once: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match tokio::time::timeout(Duration::from_secs(1), try_once()).await {
            Ok(Ok(done)) => return done,
            error if began.elapsed() > READY => panic!("not ready: {:?}", error.map(|r| r.err())),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A line to an engine, which a test can cut while the engine runs.
pub struct Line {
    pub port: u16,
    state: Arc<Mutex<LineState>>,
    accepting: AbortHandle,
}

#[derive(Default)]
struct LineState {
    cut: bool,
    open: Vec<AbortHandle>,
}

impl Line {
    pub async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<LineState>>::default();
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut state = shared.lock().unwrap();
                if state.cut {
                    continue; // closed at once
                }
                let carry = tokio::spawn(async move {
                    let far = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                    if let Ok(mut far) = TcpStream::connect(far).await {
                        // An error means that one end closed the line.
                        _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                state.open.push(carry.abort_handle());
            }
        });
        Self {
            port: own,
            state,
            accepting: accepting.abort_handle(),
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.cut = true;
        state.open.drain(..).for_each(|open| open.abort());
    }

    pub fn mend(&self) {
        self.state.lock().unwrap().cut = false;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}
