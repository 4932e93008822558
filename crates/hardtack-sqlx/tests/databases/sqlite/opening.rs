//! Files, their permissions, and paths that cannot be used.

use std::fs;
use std::path::Path;

use hardtack::files::UntrustedFile;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::{OpenError, SqliteSessions, open_sqlite};

use super::{NOW, open, session};
use crate::test_database::with_causes;

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_a_new_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let sessions = open(&path).await;
    sessions.create(&session("alice"), RevokeTarget::Sessions(&[])).await.unwrap();
    for file in ["app.db", "app.db-wal", "app.db-shm"] {
        assert_eq!(mode(&directory.path().join(file)), 0o600, "{file}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_existing_database_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    open(&path).await.pool().close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    open(&path).await;
    assert_eq!(mode(&path), 0o640);
}

/// Opens a database again that has this owner and mode.
#[cfg(unix)]
async fn open_with(file: &str, owner: Option<u32>, mode: u32) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    // Left open, so that the files beside it exist.
    let _open = open(&path).await;
    let file = directory.path().join(file);
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    if owner.is_some() {
        std::os::unix::fs::chown(&file, owner, None).unwrap();
    }
    open_sqlite(&path).await.map(drop)
}

#[cfg(unix)]
#[tokio::test]
async fn k05_s80_a_database_that_others_can_write_is_refused() {
    for (file, mode) in
        [("app.db", 0o620), ("app.db", 0o602), ("app.db", 0o666), ("app.db-wal", 0o660), ("app.db-shm", 0o602)]
    {
        let error = open_with(file, None, mode).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OpenError::Untrusted(UntrustedFile::WritableByOthers { .. })), "{text}");
        assert!(text.contains(&format!("log in as anyone: the mode {mode:04o} of ")), "{text}");
        assert!(text.contains(&format!("/{file} lets other users change the file; ")), "{text}");
    }
    for mode in [0o600, 0o640, 0o644, 0o755] {
        open_with("app.db", None, mode).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn k05_s80_a_database_of_another_user_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let probe = directory.path().join("probe");
    fs::write(&probe, "").unwrap();
    if std::os::unix::fs::chown(&probe, Some(65534), None).is_err() {
        return; // Only the superuser may give files away.
    }
    for file in ["app.db", "app.db-wal"] {
        let error = open_with(file, Some(65534), 0o600).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OpenError::Untrusted(UntrustedFile::OwnedByOther { owner: 65534, .. })), "{text}");
        assert!(text.contains(&format!("/{file} is owned by the user with id 65534, who can change ")), "{text}");
    }
}

/// A user who can replace the files of a folder can replace the database.
#[cfg(unix)]
#[tokio::test]
async fn k05_s80_a_database_in_a_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let [folder, links] = ["folder", "links"].map(|name| directory.path().join(name));
    fs::create_dir(&folder).unwrap();
    fs::create_dir(&links).unwrap();
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let path = folder.join("app.db");
    let link = links.join("app.db");
    std::os::unix::fs::symlink("../folder/app.db", &link).unwrap();
    // The link leads to no file yet.
    open_sqlite(&link).await.unwrap().close().await;
    assert_eq!(mode(&path), 0o600);

    for (writable, through_link) in [(&folder, false), (&folder, true), (&links, true)] {
        set_mode(writable, 0o777);
        let error = open_sqlite(if through_link { &link } else { &path }).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OpenError::Untrusted(UntrustedFile::FolderWritableByOthers { .. })), "{text}");
        assert!(text.ends_with(&format!("chmod go-w {}", writable.canonicalize().unwrap().display())), "{text}");
        set_mode(writable, 0o755);
    }
    set_mode(&folder, 0o1777);
    open_sqlite(&path).await.unwrap().close().await;

    // SQLite uses the log beside the file to which the link leads.
    fs::write(folder.join("app.db-wal"), "").unwrap();
    set_mode(&folder.join("app.db-wal"), 0o666);
    let text = open_sqlite(&link).await.unwrap_err().to_string();
    assert!(text.contains("/folder/app.db-wal lets other users change the file"), "{text}");
    fs::remove_file(folder.join("app.db-wal")).unwrap();

    if std::os::unix::fs::chown(&folder, Some(65534), None).is_ok() {
        let error = open_sqlite(&path).await.unwrap_err();
        assert!(matches!(error, OpenError::Untrusted(UntrustedFile::FolderOwnedByOther { owner: 65534, .. })));
    }
}

/// A connection that is opened later opens the file by its path.
#[cfg(unix)]
#[tokio::test]
async fn k05_s80_no_connection_uses_a_file_that_has_replaced_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let [path, other] = ["app.db", "other.db"].map(|name| directory.path().join(name));
    open_sqlite(&other).await.unwrap().close().await;
    let pool = open_sqlite(&path).await.unwrap();
    sqlx::query("CREATE TABLE original (id INTEGER)").execute(&pool).await.unwrap();
    fs::rename(&other, &path).unwrap();
    // Connections that are open still use the file that was checked. A pool has at most four.
    let mut connections = Vec::new();
    let short = std::time::Duration::from_secs(3);
    while let Ok(Ok(mut connection)) = tokio::time::timeout(short, pool.acquire()).await {
        sqlx::query("SELECT id FROM original").fetch_all(&mut *connection).await.unwrap();
        connections.push(connection);
    }
    assert!((1..4).contains(&connections.len()), "{} connections", connections.len());
}

/// What is written to a file that has been replaced is lost when the program stops.
#[cfg(unix)]
#[tokio::test]
async fn k07_s80_nothing_is_written_to_a_database_that_has_been_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let [path, backup, aside] = ["app.db", "backup.db", "aside.db"].map(|name| directory.path().join(name));
    let sessions = open(&path).await;
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    fs::copy(&path, &backup).unwrap();
    fs::rename(&path, &aside).unwrap();
    for restored in [false, true] {
        if restored {
            fs::rename(&backup, &path).unwrap();
        }
        let errors = [
            sessions.find(row.id).await.map(drop).unwrap_err(),
            sessions.create(&session("bob"), RevokeTarget::Sessions(&[])).await.map(drop).unwrap_err(),
        ];
        for error in errors {
            let text = with_causes(&error);
            assert!(text.contains("app.db was replaced or removed while it was open; restart the program"), "{text}");
        }
    }
    // The file is back.
    fs::rename(&aside, &path).unwrap();
    assert_eq!(sessions.list("alice", NOW).await.unwrap(), [row]);
    assert_eq!(sessions.list("bob", NOW).await.unwrap(), []);
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("app.db");
    let error = SqliteSessions::open(&path).await.unwrap_err();
    assert!(matches!(&error, OpenError::CreateFile { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot create or access the database file {}; ", path.display())), "{text}");
    let advice = "; check that its directory exists, and that the user running this program can write to the directory";
    assert!(text.ends_with(advice), "{text}");
    assert_eq!(format!("{error:?}"), with_causes(&error));
    assert!(with_causes(&error).len() > text.len(), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_directory_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.path().join("probe"), "").is_ok() {
        return; // The superuser may write anywhere.
    }
    let path = directory.path().join("app.db");
    let text = SqliteSessions::open(&path).await.unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot create or access the database file {}; ", path.display())), "{text}");
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    fs::write(&text, "This is no database. ".repeat(100)).unwrap();
    for path in [text.as_path(), directory.path()] {
        let error = open_sqlite(path).await.unwrap_err();
        assert!(matches!(&error, OpenError::OpenFile { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot open the database {}; ", path.display())), "{text}");
    }
    assert!(matches!(open_sqlite("").await, Err(OpenError::CreateFile { .. })));
}

#[tokio::test]
async fn paths_with_a_special_meaning_to_sqlite_are_files() {
    let directory = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:app.db?mode=memory", "a b%20c#d?.db"] {
        let path = directory.path().join(name);
        let row = session("alice");
        let sessions = open(&path).await;
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        sessions.pool().close().await;
        assert!(path.is_file(), "{name}");
        assert_eq!(open(&path).await.list("alice", NOW).await.unwrap(), [row]);
    }
}

/// These are the URLs that `Database::open` accepts.
#[tokio::test]
async fn an_sqlite_url_names_the_same_file_as_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let row = session("alice");
    let sessions = open(&path).await;
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    sessions.pool().close().await;
    for scheme in ["sqlite:", "sqlite://"] {
        let sessions = SqliteSessions::open(format!("{scheme}{}", path.display())).await.unwrap();
        assert_eq!(sessions.list("alice", NOW).await.unwrap(), std::slice::from_ref(&row), "{scheme}");
    }
    let in_memory = SqliteSessions::open("sqlite::memory:").await.unwrap();
    assert_eq!(in_memory.list("alice", NOW).await.unwrap(), []);
    let error = SqliteSessions::open("sqlite:app.db?mode=rwc").await.unwrap_err();
    assert!(error.to_string().contains("takes no parameters"), "{error}");
    let inside = directory.path().join("sqlite:app.db");
    open(&inside).await;
    assert!(inside.is_file(), "only a path that begins with the scheme is a URL");
}

#[tokio::test]
async fn clones_share_a_database_in_memory() {
    let [first, second] =
        [SqliteSessions::open_in_memory().await.unwrap(), SqliteSessions::open_in_memory().await.unwrap()];
    let row = session("alice");
    first.clone().create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    assert_eq!(first.find(row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(second.find(row.id).await.unwrap(), None);
}
