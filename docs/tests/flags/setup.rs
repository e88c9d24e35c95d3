//! A service to test, and its client.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::flags::reload::Reload;
use crate::flags::service::Service;
use crate::flags::store::Store;

/// A service that is silent for this long hangs.
pub(crate) const HANGS: Duration = Duration::from_secs(30);

/// A file of flags in a folder of its own, which is removed with it.
pub(crate) struct File(pub(crate) PathBuf);

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dbuf-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = Self(folder.join("flags.json"));
        file.write(text);
        file
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

/// A service on a free port, its file, and a client.
pub(crate) struct Setup {
    pub(crate) service: Service,
    client: Client,
    pub(crate) file: File,
    follow: JoinHandle<()>,
    reports: UnboundedReceiver<String>,
}

impl Setup {
    pub(crate) async fn new(name: &str, store: impl Store) -> Self {
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

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Response {
        let url = format!("http://{}{path}", self.service.address);
        let request = self.client.request(method, url).body(body.to_owned());
        timeout(HANGS, request.send())
            .await
            .expect("no reply")
            .unwrap()
    }

    /// The status and the text of a reply.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &str) -> (u16, String) {
        let reply = self.send(method, path, body).await;
        (reply.status().as_u16(), reply.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let (status, text) = self.call(Method::GET, path, "").await;
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    pub(crate) async fn watch(&self) -> Events {
        let response = self.send(Method::GET, "/watch", "").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events(response, String::new())
    }

    pub(crate) async fn report(&mut self) -> String {
        let line = timeout(HANGS, self.reports.recv()).await;
        line.expect("the file is not read").unwrap()
    }

    pub(crate) async fn stop(self) {
        self.follow.abort();
        self.service.stop().await.unwrap();
    }
}

/// A stream of server-sent events, and the part of it that was not handled yet.
pub(crate) struct Events(Response, String);

impl Events {
    /// The number and the data of the next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(u64, String)> {
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
