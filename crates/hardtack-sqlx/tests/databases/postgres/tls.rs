//! PostgreSQL over TLS: which servers are trusted.

use std::path::PathBuf;

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::{Database, PostgresSessions};
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::postgres::shared;
use hardtack_test_support::wait;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::test_database::with_causes;
use crate::{NOW, session};

/// A certificate authority, with its certificate in a file for `sslrootcert`.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: tempfile::tempdir().unwrap() };
        std::fs::write(authority.file(), authority.issuer.pem()).unwrap();
        authority
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Starts a server with a certificate of this authority for a name.
    fn server(&self, name: &str) -> PostgresServer {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let server = PostgresServer::start_new();
        server.speak_tls(&certificate.pem(), &key.serialize_pem());
        server
    }

    /// Returns a URL that trusts this authority.
    fn trusting(&self, url: &str, mode: &str) -> String {
        format!("{url}?sslmode={mode}&sslrootcert={}", self.file().display())
    }
}

/// Returns whether the server says that every connection to the database is encrypted, and how many there are.
async fn encrypted(pool: &Pool) -> (bool, i64) {
    let sql = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE datname = current_database()";
    let rows: Vec<(bool, i64)> = pool.fetch(Statement::new(sql)).await.unwrap();
    rows[0]
}

async fn refused(url: &str) -> String {
    let error = Database::open(url).await.unwrap_err();
    let text = with_causes(&error);
    assert!(!format!("{text}{error:?}").contains("canary"), "{error:?}");
    text
}

#[tokio::test]
async fn every_connection_to_a_trusted_server_uses_tls() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1");
    let url = server.database();
    for mode in ["verify-full", "verify-ca", "require"] {
        let sessions = PostgresSessions::open(&authority.trusting(&url, mode)).await.unwrap();
        let row = session("alice");
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        // The listener has a connection of its own.
        wait::within_reason("a notification", sessions.revoked_elsewhere()).await.unwrap();
        sessions.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
        wait::within_reason("a notification", sessions.revoked_elsewhere()).await.unwrap();
        let (all, connections) = encrypted(&Pool::from(sessions.pool().clone())).await;
        assert!(all && connections >= 2, "{mode}: {connections} connections");
        sessions.pool().close().await;
    }
}

#[tokio::test]
async fn an_untrusted_server_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server("127.0.0.1");
    let url = server.database();
    for mode in ["verify-full", "verify-ca"] {
        let error = refused(&other.trusting(&url, mode)).await;
        assert!(error.contains("certificate"), "{mode}: {error}");
        // No authority that this machine trusts has signed the certificate.
        let error = refused(&format!("{url}?sslmode={mode}")).await;
        assert!(error.contains("certificate"), "{mode}: {error}");
        // A server that claims not to support TLS, as an attacker in between could.
        let error = refused(&authority.trusting(&shared().database(), mode)).await;
        assert!(error.to_lowercase().contains("tls"), "{mode}: {error}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let server = authority.server("db.example");
    let url = server.database();
    let error = refused(&authority.trusting(&url, "verify-full")).await;
    assert!(error.contains("certificate"), "{error}");
    assert!(Database::open(&authority.trusting(&url, "verify-ca")).await.is_ok(), "verify-ca does not check the name");
}
