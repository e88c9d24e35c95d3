//! Who may follow a bucket, and what the refused are told.

use dbuf_follow::Nats;
use dbuf_follow::async_nats::ConnectOptions;

use super::{bucket, connected, context, put, source, with_nats};
use crate::common::engine::{Engine, free_port};
use crate::common::tls::Authority;
use crate::common::{attempt, builder, run};

#[test]
fn engine_checks_the_token_and_no_text_shows_it() {
    let Some(engine) = Engine::nats(&["--auth", "swordfish"]) else {
        return;
    };
    run(async {
        let context = context(&engine, Some("swordfish")).await;
        let bucket = bucket(&context).await;
        put(&bucket, "key", 1).await;
        let with = |token: &'static str| {
            source(&engine.address()).options(|| ConnectOptions::with_token(token.to_owned()))
        };
        let shown = format!("{:?} {:?}", with("swordfish"), builder(with("swordfish")));
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(shown.contains("nats:flags:>"), "{shown}");
        let follower = attempt(with("swordfish")).await.unwrap();
        assert_eq!(follower.map().get_cloned("key"), Some(1));
        let refused = attempt(with("trout")).await.unwrap_err();
        assert!(refused.contains("authorization violation"), "{refused}");
        assert!(!refused.contains("trout"), "{refused}");
    });
}

#[test]
fn unreachable_bucket_is_reported_in_one_line() {
    with_nats(async |engine, _, _| {
        for (source, expected) in [
            (Nats::new([engine.address()], "other"), "bucket other"),
            (Nats::new([engine.address()], "no bucket"), "invalid"),
            (
                Nats::new([format!("127.0.0.1:{}", free_port())], "flags"),
                "refused",
            ),
            (Nats::new(["nats://user:swordfish@:1:2"], "flags"), "nats: "),
        ] {
            let error = attempt(source).await.unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
            assert!(!error.contains("swordfish"), "{error}");
        }
    });
}

#[test]
fn engine_is_followed_over_tls_and_certificates_are_checked() {
    let (Some(own), Some(other)) = (Authority::new(), Authority::new()) else {
        return;
    };
    let [ca, certificate, key] = ["ca.pem", "own.pem", "own.key"].map(|file| own.path(file));
    let arguments = ["--tlsverify", "--tlscacert", &ca];
    let own_arguments = ["--tlscert", &certificate, "--tlskey", &key];
    let Some(engine) = Engine::nats(&[&arguments[..], &own_arguments].concat()) else {
        return;
    };
    run(async {
        let options = |trusted: &Authority, shown: Option<&Authority>| {
            let ca = trusted.path("ca.pem");
            let shown = shown.map(|it| (it.path("own.pem"), it.path("own.key")));
            move || {
                let options = ConnectOptions::new().add_root_certificates(ca.clone().into());
                let options = options.require_tls(true);
                match shown.clone() {
                    Some((pem, key)) => options.add_client_certificate(pem.into(), key.into()),
                    None => options,
                }
            }
        };
        let both = options(&own, Some(&own));
        let bucket = bucket(&connected(&engine, &both).await).await;
        put(&bucket, "key", 1).await;
        let address = format!("tls://{}", engine.address());
        let follower = attempt(source(&address).options(both)).await.unwrap();
        let revision = put(&bucket, "other", 2).await;
        follower.wait_for(revision).await.unwrap();
        assert_eq!(follower.map().len(), 2);

        for (options, expected) in [
            (options(&other, Some(&own)), "invalid peer certificate"),
            (options(&own, Some(&other)), "alert: BadCertificate"),
            (options(&own, None), "alert: "),
        ] {
            let error = attempt(source(&address).options(options)).await;
            let error = error.unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    });
}
