//! A server that speaks TLS, and who is taken for it.

use std::path::PathBuf;
use std::time::Duration;

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::{Database, PostgresSessions, Statement};
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::postgres::shared;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{NOW, session};

/// An authority and its certificate in a file, as `sslrootcert` names it.
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

    /// A server that shows this authority's certificate for a name.
    fn server(&self, name: &str) -> PostgresServer {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let server = PostgresServer::start_new();
        server.speak_tls(&certificate.pem(), &key.serialize_pem());
        server
    }

    /// A URL that proves by this authority who answers.
    fn asked(&self, url: &str, mode: &str) -> String {
        format!("{url}?sslmode={mode}&sslrootcert={}", self.file().display())
    }
}

/// Whether every connection to the database is encrypted, as the server sees it; and how many there are.
async fn encrypted(database: &Database) -> (bool, i64) {
    let sql = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE datname = current_database()";
    let rows: Vec<(bool, i64)> = database.fetch(Statement::new(sql)).await.unwrap();
    rows[0]
}

async fn refused(url: &str) -> String {
    let error = Database::open(url).await.unwrap_err();
    let text = error.to_string();
    assert!(!format!("{text}{error:?}").contains("canary"), "{error:?}");
    text
}

#[tokio::test]
async fn a_server_that_proves_itself_is_spoken_to_over_tls_by_every_connection() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1");
    let url = server.database();
    for mode in ["verify-full", "verify-ca", "require"] {
        let sessions = PostgresSessions::open(&authority.asked(&url, mode)).await.unwrap();
        let row = session("alice");
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        // The connection that listens is one of its own.
        timeout(Duration::from_secs(5), sessions.revoked_elsewhere()).await.unwrap().unwrap();
        sessions.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
        timeout(Duration::from_secs(5), sessions.revoked_elsewhere()).await.unwrap().unwrap();
        let (all, connections) = encrypted(&sessions.pool().clone().into()).await;
        assert!(all && connections >= 2, "{mode}: {connections} connections");
        sessions.pool().close().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_prove_itself_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.server("127.0.0.1");
    let url = server.database();
    for mode in ["verify-full", "verify-ca"] {
        let said = refused(&stranger.asked(&url, mode)).await;
        assert!(said.contains("certificate"), "{mode}: {said}");
        // Nobody in this machine's own list has signed it either.
        let said = refused(&format!("{url}?sslmode={mode}")).await;
        assert!(said.contains("certificate"), "{mode}: {said}");
        // Somebody on the way who says that the server speaks no TLS.
        let said = refused(&authority.asked(&shared().database(), mode)).await;
        assert!(said.to_lowercase().contains("tls"), "{mode}: {said}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let server = authority.server("db.example");
    let url = server.database();
    let said = refused(&authority.asked(&url, "verify-full")).await;
    assert!(said.contains("certificate"), "{said}");
    assert!(Database::open(&authority.asked(&url, "verify-ca")).await.is_ok(), "the name is not asked for");
}
