//! A demonstration: the service, and a client of it.

use std::fs;

use reqwest::{Client, Method, Response};
use tokio::net::TcpListener;

use super::reload::Reload;
use super::service::Service;
use super::store;

pub(super) async fn run() -> Result<(), String> {
    show()
        .await
        .map_err(|error| format!("the demonstration failed: {error}"))
}

type Failure = Box<dyn std::error::Error>;

async fn show() -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("dbuf-flags-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let shown = show_in(&folder.join("flags.json")).await;
    fs::remove_dir_all(&folder)?;
    shown
}

async fn show_in(file: &std::path::Path) -> Result<(), Failure> {
    fs::write(file, r#"{ "dark-mode": false, "new-search": true }"#)?;
    let store = store::new();
    let reload = Reload::start(file, store.clone()).await?;
    let service = Service::start(TcpListener::bind("127.0.0.1:0").await?, store)?;
    let (lines, mut reports) = tokio::sync::mpsc::unbounded_channel();
    // The channel is unbounded, so it takes every line as long as this function lives.
    let follow = tokio::spawn(reload.follow(move |line| drop(lines.send(line))));
    let client = Client::new();
    let call = async |method: Method, path: &str, body: &'static str| {
        let url = format!("http://{}{path}", service.address);
        let reply = client
            .request(method.clone(), url)
            .body(body)
            .send()
            .await?;
        let status = reply.status();
        let text = reply.text().await?;
        let (request, reply) = (
            format!("{method} {path} {body}"),
            format!("{status} {text}"),
        );
        println!("{} -> {}", request.trim_end(), reply.trim_end());
        Ok::<_, Failure>(())
    };

    let mut events = client
        .get(format!("http://{}/watch", service.address))
        .send()
        .await?;
    event(&mut events).await?;
    call(Method::GET, "/flags/dark-mode", "").await?;
    call(Method::PUT, "/flags/dark-mode", "true").await?;
    event(&mut events).await?;
    call(Method::GET, "/flags/dark-mode", "").await?;
    call(Method::PUT, "/flags/dark-mode", "perhaps").await?;
    call(Method::DELETE, "/flags/new-search", "").await?;
    event(&mut events).await?;

    for text in [
        r#"{ "dark-mode": "broken" }"#,
        r#"{ "dark-mode": true, "beta": true }"#,
    ] {
        fs::write(file, text)?;
        let line = reports
            .recv()
            .await
            .ok_or("the file is not followed any more")?;
        println!(
            "the file becomes {text}\n    {}",
            line.replace(&file.display().to_string(), "flags.json")
        );
    }
    event(&mut events).await?;
    call(Method::GET, "/flags", "").await?;

    follow.abort();
    service.stop().await?;
    match events.chunk().await? {
        None => println!("stopped, and /watch has ended"),
        Some(_) => return Err("an event after the end".into()),
    }
    Ok(())
}

/// Prints the next event.
async fn event(events: &mut Response) -> Result<(), Failure> {
    let mut text = Vec::new();
    while !text.ends_with(b"\n\n") {
        text.extend(events.chunk().await?.ok_or("/watch has ended")?);
    }
    println!(
        "    /watch: {}",
        String::from_utf8(text)?.trim().replace('\n', ", ")
    );
    Ok(())
}
