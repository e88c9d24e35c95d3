//! The service of `examples/flags.rs`, from outside: over HTTP, over both stores.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod bodies;
#[path = "../../examples/flags/mod.rs"]
mod flags;
mod setup;

use std::net::TcpListener as Port;

use flags::store::{self, Locked};
use setup::{File, Setup};

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
