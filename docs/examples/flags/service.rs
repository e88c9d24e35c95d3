//! The service over HTTP.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::store::{Store, Versioned, Watch};

/// How long requests may take to end when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// A running service.
pub struct Service {
    pub address: SocketAddr,
    stopping: watch::Sender<bool>,
    task: JoinHandle<io::Result<()>>,
}

impl Service {
    /// Serves the flags of `store` to all clients.
    pub fn start<S: Store>(listener: TcpListener, store: S) -> Result<Self, String> {
        let address = listener
            .local_addr()
            .map_err(|error| format!("cannot read the listener's address: {error}"))?;
        let stopping = watch::Sender::new(false);
        let mut stop = stopping.subscribe();
        let app = router(store, stop.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(async move { until(&mut stop).await })
                .await
        });
        Ok(Self {
            address,
            stopping,
            task,
        })
    }

    /// Accepts no more connections, ends the streams of events, and waits for the requests that
    /// have begun.
    pub async fn stop(mut self) -> Result<(), String> {
        self.stopping.send_replace(true);
        match tokio::time::timeout(GRACE, &mut self.task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(format!("the service ended with: {error}")),
            Ok(Err(panicked)) => Err(format!("the service ended with: {panicked}")),
            Err(_) => {
                self.task.abort();
                Err(format!("some requests were cut off after {GRACE:?}"))
            }
        }
    }
}

async fn until(stop: &mut watch::Receiver<bool>) {
    // An error means that the service is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[derive(Clone)]
struct App<S> {
    store: S,
    stop: watch::Receiver<bool>,
}

fn router<S: Store>(store: S, stop: watch::Receiver<bool>) -> Router {
    let one = get(flag::<S>).put(put::<S>).delete(delete::<S>);
    Router::new()
        .route("/flags", get(flags::<S>))
        .route("/flags/{key}", one)
        .route("/watch", get(events::<S>))
        .with_state(App { store, stop })
}

async fn flag<S: Store>(State(app): State<App<S>>, Path(key): Path<String>) -> Response {
    match app.store.get(&key).await {
        Some(on) => json(if on { "true" } else { "false" }),
        None => missing(&key),
    }
}

async fn put<S: Store>(
    State(app): State<App<S>>,
    Path(key): Path<String>,
    body: Bytes,
) -> Response {
    let on = match body.trim_ascii() {
        b"true" => true,
        b"false" => false,
        _ => return (StatusCode::BAD_REQUEST, "a flag is true or false\n").into_response(),
    };
    match app.store.put(key, on).await {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => StatusCode::CREATED.into_response(),
    }
}

async fn delete<S: Store>(State(app): State<App<S>>, Path(key): Path<String>) -> Response {
    match app.store.delete(&key).await {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => missing(&key),
    }
}

async fn flags<S: Store>(State(app): State<App<S>>) -> Response {
    json(render(&app.store.all().await))
}

/// Sends all flags at once, and again after each publish. A slow client misses states in
/// between, never the last one. The id of an event is the number of the publish.
async fn events<S: Store>(
    State(App { store, stop }): State<App<S>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // Watches first and reads then, so no publish in between is missed.
    let subscriber = Subscriber {
        watch: store.watch(),
        store,
        stop,
        sent: None,
    };
    Sse::new(unfold(subscriber, async |mut subscriber| {
        let state = subscriber.next().await?;
        let event = Event::default()
            .event("flags")
            .id(state.version.to_string())
            .data(render(&state));
        Some((Ok(event), subscriber))
    }))
    // Comments now and then, by which the server notices closed connections.
    .keep_alive(KeepAlive::default())
}

struct Subscriber<S: Store> {
    store: S,
    watch: S::Watch,
    stop: watch::Receiver<bool>,
    /// The number of the last publish that was sent.
    sent: Option<u64>,
}

impl<S: Store> Subscriber<S> {
    /// The next state to send. `None` when the service ends.
    async fn next(&mut self) -> Option<Versioned> {
        if let Some(sent) = self.sent {
            loop {
                tokio::select! {
                    () = until(&mut self.stop) => return None,
                    version = self.watch.changed() => if version? > sent { break },
                }
            }
        }
        let state = self.store.all().await;
        self.sent = Some(state.version);
        Some(state)
    }
}

fn render(state: &Versioned) -> String {
    serde_json::json!(state.flags).to_string()
}

fn json(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn missing(key: &str) -> Response {
    let line = format!("there is no flag {key:?}\n");
    (StatusCode::NOT_FOUND, line).into_response()
}
