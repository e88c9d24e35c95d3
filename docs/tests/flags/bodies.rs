//! The tests, for any store.

use std::fs;

use reqwest::{Client, Method, StatusCode};
use tokio::time::timeout;

use crate::setup::{HANGS, Setup};

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
