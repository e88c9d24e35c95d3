//! Follows a key range of etcd or a bucket of NATS, and prints every change.
//!
//! ```sh
//! cargo run -p dbuf-follow --features etcd,nats --example follow -- --etcd 127.0.0.1:2379 --prefix /flags/
//! cargo run -p dbuf-follow --features etcd,nats --example follow -- --etcd 127.0.0.1:2379 put /flags/colour blue
//! cargo run -p dbuf-follow --features etcd,nats --example follow -- --nats 127.0.0.1:4222 --bucket flags
//! ```
//!
//! `FOLLOW_PASSWORD` is the password (with `--user`) or the token (NATS without `--user`). Ctrl-C
//! ends the program with exit code 0. If the engine cannot be followed, the program prints one line
//! and ends with exit code 2, or tries again with `--wait`.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "an example for programs that have std"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use dbuf_follow::etcd_client::{Client, ConnectOptions};
use dbuf_follow::{Builder, Error, Etcd, Follower, Nats, Revision, Source, State, async_nats};

/// Follow a key range of etcd or a bucket of NATS.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    engine: Engine,
    /// The prefix of the keys of etcd to follow.
    #[arg(long, default_value = "")]
    prefix: String,
    /// The bucket of NATS to follow.
    #[arg(long, default_value = "flags")]
    bucket: String,
    /// The user; its password is in FOLLOW_PASSWORD.
    #[arg(long)]
    user: Option<String>,
    /// A file with a copy of the state, which is served at once after a restart.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Try again if the engine cannot be reached.
    #[arg(long)]
    wait: bool,
    /// The longest silence of the engine, and the longest time of a put or delete, in seconds.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    silence: f64,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Engine {
    /// Endpoints of etcd, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "HOST:PORT")]
    etcd: Vec<String>,
    /// Servers of NATS, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "HOST:PORT")]
    nats: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Set the value of a key, and print the revision.
    Put { key: String, value: String },
    /// Remove a key, and print the revision.
    Delete { key: String },
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("not between 0.1 and 3600".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tokio::select! {
        ended = run(&options) => match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("follow: {error}");
                ExitCode::from(2)
            }
        },
        _ = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
    }
}

async fn run(options: &Options) -> Result<(), Error> {
    let silence = Duration::from_secs_f64(options.silence);
    let etcd = !options.engine.etcd.is_empty();
    if let Some(command) = &options.command {
        let done = async {
            match etcd {
                true => write_etcd(options, command).await,
                false => write_nats(options, command).await,
            }
        };
        let revision = tokio::time::timeout(silence, done).await;
        println!(
            "revision {}",
            revision.map_err(|_| "the engine does not answer")??
        );
        return Ok(());
    }
    match etcd {
        true => {
            let source = Etcd::new(&options.engine.etcd, options.prefix.as_str());
            follow(
                source.options(etcd_options(options)).silence(silence),
                options,
            )
            .await
        }
        false => {
            let source = Nats::new(&options.engine.nats, options.bucket.as_str());
            let (user, password) = (options.user.clone(), password());
            let source = source.options(move || nats_options(user.clone(), password.clone()));
            follow(source.silence(silence), options).await
        }
    }
}

async fn follow<S>(source: S, options: &Options) -> Result<(), Error>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    let mut builder = Builder::decoding(source, String::from_utf8, String::from_utf8)
        .fail_fast(!options.wait)
        .on_problem(|problem| eprintln!("follow: {problem}"));
    if let Some(path) = &options.file {
        builder = builder.file(path, |key| key.clone().into(), |value| value.clone().into());
    }
    let (follower, driver) = builder.start();
    tokio::select! {
        stopped = driver => Err(stopped.into()),
        shown = show(&follower) => shown,
    }
}

/// Prints the state, and each change of it.
async fn show(follower: &Follower<String, String>) -> Result<(), Error> {
    let mut watcher = follower.map().watcher();
    let mut before = BTreeMap::new();
    let mut shown = None;
    loop {
        let (revision, now) = {
            let map = watcher.borrow_and_update();
            let entries = map.iter().map(|(key, value)| (key.clone(), value.clone()));
            (map.revision(), entries.collect::<BTreeMap<_, _>>())
        };
        for (key, value) in &now {
            if before.get(key) != Some(value) {
                println!("{revision} put {key} {value}");
            }
        }
        for key in before.keys().filter(|key| !now.contains_key(*key)) {
            println!("{revision} delete {key}");
        }
        before = now;
        let state = follower.state();
        if shown != Some((state, revision)) {
            let lag = follower.lag().unwrap_or_default();
            println!(
                "{}, revision {revision}, {} entries, lag {lag:.1?}",
                text(state),
                before.len()
            );
            shown = Some((state, revision));
        }
        tokio::select! {
            changed = watcher.changed() => { changed?; }
            changed = follower.wait_until(|now| now != state) => { changed?; }
        }
    }
}

fn text(state: State) -> String {
    match state {
        State::CutOff { since } => format!("cut off for {:.1?}", since.elapsed()),
        state => format!("{state:?}").to_lowercase(),
    }
}

async fn write_etcd(options: &Options, command: &Command) -> Result<Revision, Error> {
    let client = Client::connect(&options.engine.etcd, Some(etcd_options(options))).await?;
    let mut kv = client.kv_client();
    let revision = match command {
        Command::Put { key, value } => {
            let response = kv.put(key.as_str(), value.as_str(), None).await?;
            response.header().map(|header| header.revision())
        }
        Command::Delete { key } => {
            let response = kv.delete(key.as_str(), None).await?;
            response.header().map(|header| header.revision())
        }
    };
    Ok(revision.ok_or("etcd: an answer without a header")? as Revision)
}

async fn write_nats(options: &Options, command: &Command) -> Result<Revision, Error> {
    let connect = nats_options(options.user.clone(), password());
    let client = connect.connect(&options.engine.nats[..]).await?;
    let context = async_nats::jetstream::new(client);
    let bucket = context.get_key_value(&options.bucket).await?;
    Ok(match command {
        Command::Put { key, value } => bucket.put(key, value.clone().into()).await?,
        Command::Delete { key } => {
            bucket.delete(key).await?;
            bucket.status().await?.info.state.last_sequence
        }
    })
}

fn password() -> Option<String> {
    std::env::var("FOLLOW_PASSWORD").ok()
}

fn etcd_options(options: &Options) -> ConnectOptions {
    match &options.user {
        Some(user) => ConnectOptions::new().with_user(user, password().unwrap_or_default()),
        None => ConnectOptions::new(),
    }
}

fn nats_options(user: Option<String>, password: Option<String>) -> async_nats::ConnectOptions {
    match (user, password) {
        (Some(user), password) => {
            async_nats::ConnectOptions::with_user_and_password(user, password.unwrap_or_default())
        }
        (None, Some(token)) => async_nats::ConnectOptions::with_token(token),
        (None, None) => async_nats::ConnectOptions::new(),
    }
}
