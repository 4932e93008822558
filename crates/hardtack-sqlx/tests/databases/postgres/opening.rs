//! Servers that cannot be used, and the errors that say so.

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::{Database, OpenError, PostgresSessions};
use hardtack_test_support::services::postgres::shared;

use crate::test_database::with_causes;

#[tokio::test]
async fn an_unreachable_server_is_named_without_its_password() {
    let url = "postgres://me:canary@127.0.0.1:1/app";
    let error = PostgresSessions::open(url).await.unwrap_err();
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("cannot open the database postgres://me@127.0.0.1:1/app; "), "{text}");
    let advice = "check that the server is running at this address, that the database exists, and that the server \
                  accepts the user and the password";
    assert!(text.ends_with(advice), "{text}");
    assert!(!text.contains("onnection refused") && with_causes(&error).contains("onnection refused"), "{error:?}");
    assert_eq!(format!("{error:?}"), with_causes(&error));
    assert!(!format!("{text}{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_database_are_named() {
    let url = shared().database();
    let wrong = url.replace(shared().password(), "canary");
    let error = Database::open(&wrong).await.unwrap_err();
    assert!(with_causes(&error).contains("password authentication failed for user"), "{error:?}");
    assert!(!format!("{error}{error:?}").contains("canary"), "{error:?}");
    let missing = format!("{}-missing", url);
    let error = Database::open(&missing).await.unwrap_err();
    assert!(with_causes(&error).contains("does not exist"), "{error:?}");
    assert!(!format!("{error}{error:?}").contains(shared().password()), "{error:?}");
}

#[tokio::test]
async fn a_database_with_another_encoding_is_refused() {
    shared().psql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let url = shared().database();
    let (start, _) = url.rsplit_once('/').unwrap();
    let error = Database::open(&format!("{start}/latin")).await.unwrap_err().to_string();
    assert!(error.contains("has the encoding LATIN1; expected UTF8"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_if_tls_is_required() {
    let url = format!("{}?sslmode=require", shared().database());
    let error = Database::open(&url).await.unwrap_err();
    assert!(with_causes(&error).to_lowercase().contains("tls"), "{error:?}");
}

#[tokio::test]
async fn every_connection_has_the_required_settings() {
    let url = shared().database();
    let name = url.rsplit('/').next().unwrap();
    let lax = "SET default_transaction_isolation = 'serializable'; ALTER DATABASE x SET synchronous_commit = off";
    for setting in lax.split("; ") {
        let setting = setting.trim_start_matches("ALTER DATABASE x ");
        shared().psql("postgres", &format!("ALTER DATABASE {name} {setting}"));
    }
    let pool = Pool::from(Database::open(&url).await.unwrap());
    let sql = "SELECT current_setting('default_transaction_isolation'), current_setting('synchronous_commit'),
        current_setting('idle_in_transaction_session_timeout')";
    let settings: Vec<(String, String, String)> = pool.fetch(Statement::new(sql)).await.unwrap();
    assert_eq!(settings, [("read committed".into(), "on".into(), "10s".into())]);
}

#[tokio::test]
async fn opening_an_up_to_date_database_needs_no_right_to_create_tables() {
    let url = shared().database();
    PostgresSessions::open(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO";
    shared().psql(name, &format!("CREATE ROLE server_of_{name} LOGIN PASSWORD 'plain'; {grants} server_of_{name}"));
    let (_, host) = url.rsplit_once('@').unwrap();
    let sessions = PostgresSessions::open(&format!("postgres://server_of_{name}:plain@{host}")).await.unwrap();
    assert_eq!(sessions.migrate().await.unwrap(), 0);
}
