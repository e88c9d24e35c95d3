//! Who may follow an etcd, and what the refused are told.

use std::time::Duration;

use dbuf_follow::Etcd;
use dbuf_follow::etcd_client::{
    Certificate, Client, ConnectOptions, Error, Identity, Permission, TlsOptions,
};

use super::{key, put, source, with_etcd};
use crate::common::engine::{Engine, free_port, ready};
use crate::common::tls::Authority;
use crate::common::{attempt, builder, run};

#[test]
fn engine_checks_the_password_and_no_text_shows_it() {
    with_etcd(async |engine, client| {
        put(&client, &key(1), 1).await;
        let mut auth = client.auth_client();
        auth.user_add("root", "hunter2", None).await.unwrap();
        auth.user_grant_role("root", "root").await.unwrap();
        auth.user_add("reader", "swordfish", None).await.unwrap();
        auth.role_add("reads").await.unwrap();
        let range = Permission::read("/k/").with_prefix();
        auth.role_grant_permission("reads", range).await.unwrap();
        auth.user_grant_role("reader", "reads").await.unwrap();
        auth.auth_enable().await.unwrap();

        let with = |password: &str| {
            let options = ConnectOptions::new().with_user("reader", password);
            source(&engine.address()).options(options)
        };
        let source = with("swordfish");
        let shown = format!("{source:?} {:?}", builder(with("swordfish")));
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(shown.contains("etcd:/k/"), "{shown}");
        let follower = attempt(source).await.unwrap();
        assert_eq!(follower.map().get_cloned(&key(1)), Some(1));

        let refused = attempt(with("trout")).await.unwrap_err();
        assert!(refused.contains("authentication failed"), "{refused}");
        assert!(!refused.contains("trout"), "{refused}");
        let other = Etcd::new([engine.address()], "/secret/")
            .options(ConnectOptions::new().with_user("reader", "swordfish"));
        let refused = attempt(other).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{refused}");
    });
}

#[test]
fn unreachable_engine_is_reported_in_one_line() {
    run(async {
        let unused = format!("127.0.0.1:{}", free_port());
        let silence = Duration::from_millis(500);
        let error = attempt(source(&unused).silence(silence)).await.unwrap_err();
        assert!(error.contains("refused"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        let error = attempt(source("no address")).await.unwrap_err();
        assert!(error.contains("invalid uri"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    });
}

#[test]
fn engine_is_followed_over_tls_and_certificates_are_checked() {
    let (Some(own), Some(other)) = (Authority::new(), Authority::new()) else {
        return;
    };
    let arguments = [
        ("cert-file", "own.pem"),
        ("key-file", "own.key"),
        ("trusted-ca-file", "ca.pem"),
    ]
    .map(|(name, file)| format!("--{name}={}", own.path(file)));
    let asks = "--client-cert-auth".to_owned();
    let Some(engine) = Engine::etcd_with("https", &[&arguments[..], &[asks]].concat()) else {
        return;
    };
    run(async {
        let address = format!("https://{}", engine.address());
        let trusting = |authority: &Authority| {
            TlsOptions::new().ca_certificate(Certificate::from_pem(authority.read("ca.pem")))
        };
        let shown_by = |authority: &Authority| {
            Identity::from_pem(authority.read("own.pem"), authority.read("own.key"))
        };
        let options = |tls| ConnectOptions::new().with_tls(tls);
        let both = options(trusting(&own).identity(shown_by(&own)));
        let client = ready(async || {
            let client = Client::connect([&address], Some(both.clone())).await?;
            client.kv_client().put(key(1), "1", None).await?;
            Ok::<_, Error>(client)
        })
        .await;

        let follower = attempt(source(&address).options(both)).await.unwrap();
        let revision = put(&client, &key(2), 2).await;
        follower.wait_for(revision).await.unwrap();
        assert_eq!(follower.map().len(), 2);

        let untrusted = "invalid peer certificate";
        // The client does not show the server's reason, which comes after the handshake.
        let refused = "transport error";
        for (tls, expected) in [
            (trusting(&other).identity(shown_by(&own)), untrusted),
            (TlsOptions::new().identity(shown_by(&own)), untrusted),
            (trusting(&own).identity(shown_by(&other)), refused),
            (trusting(&own), refused),
        ] {
            let error = attempt(source(&address).options(options(tls))).await;
            let error = error.unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    });
}
