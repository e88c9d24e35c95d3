//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) const USAGE: &str = "usage: flags [--listen ADDR] [--file PATH] [--store dbuf|rwlock]
without arguments it runs a demonstration";

#[derive(Clone, Copy, Debug)]
pub(super) enum StoreKind {
    Dbuf,
    RwLock,
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) listen: SocketAddr,
    pub(super) file: Option<PathBuf>,
    pub(super) store: StoreKind,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            file: None,
            store: StoreKind::Dbuf,
        };
        let mut arguments = arguments.iter();
        while let Some(flag) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or(format!("{flag} needs a value\n{USAGE}"))
            };
            match flag.as_str() {
                "--listen" => options.listen = address(value()?)?,
                "--file" => options.file = Some(value()?.into()),
                "--store" => options.store = store(value()?)?,
                _ => return Err(format!("unknown argument {flag:?}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("--listen {text:?} is not an address such as 127.0.0.1:8080"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "--listen {address} is open to other machines, without a login: use 127.0.0.1 or [::1]"
        ))
    }
}

fn store(text: &str) -> Result<StoreKind, String> {
    match text {
        "dbuf" => Ok(StoreKind::Dbuf),
        "rwlock" => Ok(StoreKind::RwLock),
        _ => Err(format!("--store {text:?} is neither dbuf nor rwlock")),
    }
}
