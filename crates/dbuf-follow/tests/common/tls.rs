//! Certificates, made with the program `openssl`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::engine::installed;

/// A certificate authority, and a certificate of 127.0.0.1 that it has signed, for a server or a
/// client.
pub struct Authority(TempDir);

impl Authority {
    /// Makes them if `openssl` is [`installed`].
    pub fn new() -> Option<Self> {
        let authority = Self(TempDir::new().unwrap());
        authority.certify("ca", &["basicConstraints=critical,CA:TRUE"], &[])?;
        let own = [
            "basicConstraints=critical,CA:FALSE",
            "subjectAltName=IP:127.0.0.1",
        ];
        let by = [
            "-CA",
            &authority.path("ca.pem"),
            "-CAkey",
            &authority.path("ca.key"),
        ];
        authority.certify("own", &own, &by)?;
        Some(authority)
    }

    /// Makes `name.pem` and `name.key`.
    fn certify(&self, name: &str, extensions: &[&str], signed_by: &[&str]) -> Option<()> {
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-config",
                "/dev/null",
                "-days",
                "1",
                "-noenc",
            ])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", &format!("/CN={name}")])
            .args(["-out", &self.path(&format!("{name}.pem"))])
            .args(["-keyout", &self.path(&format!("{name}.key"))])
            .args(
                extensions
                    .iter()
                    .flat_map(|extension| ["-addext", *extension]),
            )
            .args(signed_by);
        let output = installed("openssl", openssl.output())?;
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}");
        Some(())
    }

    /// Returns the path of `ca.pem`, `own.pem` or `own.key`.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}
