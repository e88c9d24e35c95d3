//! The service of `examples/flags.rs`, from outside: over HTTP, over both stores.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::fs;
use std::net::TcpListener as Port;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[path = "../examples/flags/mod.rs"]
mod flags;
use flags::reload::Reload;
use flags::service::Service;
use flags::store::{self, Locked, Store};

/// A service that is silent for this long hangs.
const HANGS: Duration = Duration::from_secs(30);

/// A file of flags in a folder of its own, which is removed with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dbuf-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = Self(folder.join("flags.json"));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

/// A service on a free port, its file, and a client.
struct Setup {
    service: Service,
    client: Client,
    file: File,
    follow: JoinHandle<()>,
    reports: UnboundedReceiver<String>,
}

impl Setup {
    async fn new(name: &str, store: impl Store) -> Self {
        let file = File::new(name, r#"{ "a": true, "b": false }"#);
        let reload = Reload::start(&file.0, store.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (lines, reports) = unbounded_channel();
        Self {
            service: Service::start(listener, store).unwrap(),
            client: Client::new(),
            file,
            follow: tokio::spawn(reload.follow(move |line| lines.send(line).unwrap())),
            reports,
        }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Response {
        let url = format!("http://{}{path}", self.service.address);
        let request = self.client.request(method, url).body(body.to_owned());
        timeout(HANGS, request.send())
            .await
            .expect("no reply")
            .unwrap()
    }

    /// The status and the text of a reply.
    async fn call(&self, method: Method, path: &str, body: &str) -> (u16, String) {
        let reply = self.send(method, path, body).await;
        (reply.status().as_u16(), reply.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> String {
        let (status, text) = self.call(Method::GET, path, "").await;
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    async fn watch(&self) -> Events {
        let response = self.send(Method::GET, "/watch", "").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events(response, String::new())
    }

    async fn report(&mut self) -> String {
        let line = timeout(HANGS, self.reports.recv()).await;
        line.expect("the file is not read").unwrap()
    }

    async fn stop(self) {
        self.follow.abort();
        self.service.stop().await.unwrap();
    }
}

/// A stream of server-sent events, and the part of it that was not handled yet.
struct Events(Response, String);

impl Events {
    /// The number and the data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(u64, String)> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let field = |name: &str| {
                    let found = event.lines().find_map(|line| line.strip_prefix(name));
                    found.map(str::to_owned)
                };
                let found = field("id: ").zip(field("data: "));
                self.1 = rest.to_owned();
                match found {
                    Some((id, data)) => return Some((id.parse().unwrap(), data)),
                    None => continue, // a comment that keeps the connection alive
                }
            }
            let chunk = timeout(HANGS, self.0.chunk()).await.expect("no event");
            self.1 += std::str::from_utf8(&chunk.unwrap()?).unwrap();
        }
    }
}

fn on_tokio<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test)
}

/// One test over both stores.
macro_rules! over_both {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                let of = |store| format!("{}-{store}", stringify!($name));
                on_tokio(async { bodies::$name(Setup::new(&of("dbuf"), store::new()).await).await });
                on_tokio(async { bodies::$name(Setup::new(&of("lock"), Locked::default()).await).await });
            }
        )+
    };
}

over_both! {
    every_route_answers
    watchers_see_every_kind_of_change
    a_reload_replaces_all_and_a_broken_one_nothing
    stopping_ends_the_streams
    many_watchers_see_the_last_state
}

mod bodies {
    use super::*;

    pub(super) async fn every_route_answers(it: Setup) {
        assert_eq!(it.get("/flags").await, r#"{"a":true,"b":false}"#);
        assert_eq!(it.get("/flags/a").await, "true");
        assert_eq!(it.get("/flags/b").await, "false");
        let missing = it.call(Method::GET, "/flags/c", "").await;
        assert_eq!(missing, (404, "there is no flag \"c\"\n".to_owned()));

        assert_eq!(it.call(Method::PUT, "/flags/c", "true\n").await.0, 201);
        assert_eq!(it.get("/flags/c").await, "true");
        assert_eq!(it.call(Method::PUT, "/flags/c", "false").await.0, 204);
        assert_eq!(it.get("/flags/c").await, "false");
        for body in ["", "1", "\"true\"", "true false", "\u{e9}"] {
            let refused = it.call(Method::PUT, "/flags/c", body).await;
            assert_eq!(refused, (400, "a flag is true or false\n".to_owned()));
        }
        let huge = "x".repeat(3 << 20);
        let url = format!("http://{}/flags/c", it.service.address);
        // The reply may come, and the connection end, before all of it was sent.
        // So it has a client of its own, whose connection is not used afterwards.
        if let Ok(reply) = Client::new().put(url).body(huge).send().await {
            assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
        assert_eq!(it.get("/flags/c").await, "false");

        assert_eq!(it.call(Method::DELETE, "/flags/c", "").await.0, 204);
        assert_eq!(it.call(Method::DELETE, "/flags/c", "").await.0, 404);
        assert_eq!(it.call(Method::POST, "/flags", "").await.0, 405);
        assert_eq!(it.call(Method::GET, "/flag", "").await.0, 404);

        // A key is any text.
        assert_eq!(
            it.call(Method::PUT, "/flags/%C3%A9%2F%0A", "true").await.0,
            201
        );
        assert_eq!(
            it.get("/flags").await,
            r#"{"a":true,"b":false,"é/\n":true}"#
        );
        it.stop().await;
    }

    pub(super) async fn watchers_see_every_kind_of_change(it: Setup) {
        let mut events = it.watch().await;
        let (first, data) = events.next().await.unwrap();
        assert_eq!(data, r#"{"a":true,"b":false}"#);
        it.call(Method::PUT, "/flags/b", "true").await;
        let (second, data) = events.next().await.unwrap();
        assert_eq!(data, r#"{"a":true,"b":true}"#);
        it.call(Method::DELETE, "/flags/a", "").await;
        let (third, data) = events.next().await.unwrap();
        assert_eq!(data, r#"{"b":true}"#);
        it.file.write("{}");
        let (fourth, data) = events.next().await.unwrap();
        assert_eq!(data, "{}");
        assert_eq!([second, third, fourth], [first + 1, first + 2, first + 3]);
        // A delete of a missing key is no change: the next event is that of the insert.
        it.call(Method::DELETE, "/flags/a", "").await;
        it.call(Method::PUT, "/flags/z", "true").await;
        assert_eq!(
            events.next().await.unwrap(),
            (first + 4, r#"{"z":true}"#.to_owned())
        );
        it.stop().await;
    }

    pub(super) async fn a_reload_replaces_all_and_a_broken_one_nothing(mut it: Setup) {
        let mut events = it.watch().await;
        let (first, _) = events.next().await.unwrap();
        it.call(Method::PUT, "/flags/c", "true").await;
        let (second, before) = events.next().await.unwrap();
        assert_eq!(second, first + 1);
        for broken in [
            "",
            "{",
            "[]",
            r#"{ "a": 1 }"#,
            r#"{ "a": true, }"#,
            "{} {}",
            "\u{0}",
        ] {
            it.file.write(broken);
            let line = it.report().await;
            assert!(
                line.contains("is not an object of flags"),
                "{broken:?}: {line}"
            );
            assert!(line.ends_with("; the flags stay as they were"), "{line}");
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(it.get("/flags").await, before);
        }
        fs::remove_file(&it.file.0).unwrap();
        let line = it.report().await;
        assert!(line.starts_with("cannot read "), "{line}");
        assert_eq!(it.get("/flags").await, before);

        // As an editor does: a new file replaces it.
        let new = it.file.0.with_extension("new");
        fs::write(&new, r#"{ "b": true }"#).unwrap();
        fs::rename(&new, &it.file.0).unwrap();
        assert!(it.report().await.ends_with(": 1 flags"));
        assert_eq!(it.get("/flags").await, r#"{"b":true}"#);
        // One event for the whole file, and none for one that was refused.
        assert_eq!(
            events.next().await.unwrap(),
            (second + 1, r#"{"b":true}"#.to_owned())
        );
        // Another text with the same flags is no change.
        it.file.write(r#" { "b" : true } "#);
        assert!(it.report().await.ends_with(": 1 flags"));
        it.call(Method::PUT, "/flags/c", "true").await;
        assert_eq!(events.next().await.unwrap().0, second + 2);
        it.stop().await;
    }

    pub(super) async fn stopping_ends_the_streams(it: Setup) {
        let mut events = [it.watch().await, it.watch().await];
        for events in &mut events {
            events.next().await.unwrap();
        }
        let address = it.service.address;
        timeout(HANGS, it.stop()).await.expect("does not stop");
        for events in &mut events {
            assert_eq!(events.next().await, None);
        }
        let refused = Client::new()
            .get(format!("http://{address}/flags"))
            .send()
            .await;
        assert!(refused.unwrap_err().is_connect());
    }

    pub(super) async fn many_watchers_see_the_last_state(it: Setup) {
        let mut watchers = Vec::new();
        for _ in 0..50 {
            watchers.push(it.watch().await);
        }
        let last = 20;
        for n in 0..=last {
            it.call(Method::PUT, &format!("/flags/n{n:02}"), "true")
                .await;
        }
        for mut events in watchers {
            let mut before = None;
            loop {
                let (id, data) = events.next().await.unwrap();
                assert!(before < Some(id), "{id} after {before:?}");
                before = Some(id);
                if data.contains(&format!("\"n{last}\"")) {
                    break;
                }
            }
        }
        it.stop().await;
    }
}

/// What `run` returns for wrong arguments: one line (and the usage).
fn refusal(arguments: &[&str]) -> String {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    flags::run(&arguments).unwrap_err()
}

#[test]
fn a_wrong_start_is_refused_with_a_clear_line() {
    let file = File::new("start", "{ \"a\": maybe }");
    let path = file.0.to_str().unwrap();
    let broken = refusal(&["--listen", "127.0.0.1:0", "--file", path]);
    assert!(broken.contains("is not an object of flags"), "{broken}");
    assert!(broken.ends_with("at line 1 column 8"), "{broken}");

    let missing = refusal(&["--listen", "127.0.0.1:0", "--file", "/nowhere/flags.json"]);
    assert!(
        missing.starts_with("cannot read /nowhere/flags.json: "),
        "{missing}"
    );

    let taken = Port::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = refusal(&["--listen", &address]);
    assert!(
        refused.starts_with(&format!("cannot listen on {address}: ")),
        "{refused}"
    );
    assert!(
        refused.ends_with("choose another with --listen"),
        "{refused}"
    );

    for (arguments, says) in [
        (&["--listen"][..], "--listen needs a value"),
        (&["--listen", "here"], "is not an address such as"),
        (&["--listen", "0.0.0.0:0"], "is open to other machines"),
        (&["--store", "tree"], "is neither dbuf nor rwlock"),
        (&["--faster"], "unknown argument \"--faster\""),
    ] {
        let line = refusal(arguments);
        assert!(line.contains(says), "{line}");
    }
}
