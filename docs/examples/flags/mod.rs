//! The parts of the service, for the program and for its test.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program has std"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the program and the test use a part each"
)]

mod demo;
mod options;
pub mod reload;
pub mod service;
pub mod store;

use std::collections::BTreeMap;

use options::{Options, StoreKind};
use reload::Reload;
use service::Service;
use store::{Locked, Store};
use tokio::net::TcpListener;

/// All flags at one moment, sorted.
pub type Flags = BTreeMap<String, bool>;

/// The program. Without arguments it runs the demonstration.
///
/// # Errors
///
/// One line that says what is wrong and what to do.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    if arguments.is_empty() {
        return runtime.block_on(demo::run());
    }
    let options = Options::parse(arguments)?;
    runtime.block_on(async {
        match options.store {
            StoreKind::Dbuf => serve(&options, store::new()).await,
            StoreKind::RwLock => serve(&options, Locked::default()).await,
        }
    })
}

/// Serves until Ctrl-C or SIGTERM.
async fn serve<S: Store>(options: &Options, store: S) -> Result<(), String> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; choose another with --listen")
    })?;
    let reload = match &options.file {
        Some(path) => Some(Reload::start(path, store.clone()).await?),
        None => None,
    };
    let mut stop = signal()?;
    let service = Service::start(listener, store)?;
    println!("listening on http://{}", service.address);
    let follow =
        reload.map(|reload| tokio::spawn(reload.follow(|line| eprintln!("flags: {line}"))));
    stop.recv().await;
    // It may be waiting to write: a future that is dropped before that has changed nothing.
    if let Some(follow) = follow {
        follow.abort();
    }
    service.stop().await?;
    println!("stopped");
    Ok(())
}

/// Receives the first Ctrl-C or SIGTERM.
fn signal() -> Result<tokio::sync::mpsc::Receiver<()>, String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let failed = |error| format!("cannot wait for signals: {error}");
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // An error means that the service has ended by itself.
            let _ = sender.send(()).await;
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("flags: {}", failed(error));
        }
        let _ = sender.send(()).await;
    });
    Ok(receiver)
}
