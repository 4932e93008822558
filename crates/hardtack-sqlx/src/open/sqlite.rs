//! An SQLite file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

use crate::OpenError;

/// SQLite has one writer at a time; more connections would only poll for its lock.
const CONNECTIONS: u32 = 4;

/// How long a write waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a connection before it is told 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a database file as Hardtack wants it, and creates it where it is missing: readable by its
/// owner only (mode 0600), write-ahead log, `synchronous = FULL` (what is answered is durable), foreign
/// keys enforced, five seconds of patience with another writer. No tables are made.
///
/// A file that exists keeps its permissions.
///
/// # Errors
/// The file cannot be created, or cannot be opened as an SQLite database.
pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<SqlitePool, OpenError> {
    let path = path.as_ref();
    // Absolute, so that no name means anything special to SQLite (`:memory:`, `file:…`, an empty one).
    let path = std::path::absolute(path).map_err(|source| OpenError::Create { path: path.into(), source })?;
    create_private(&path).map_err(|source| OpenError::Create { path: path.clone(), source })?;

    let failed = |source| OpenError::Connect { path: path.clone(), source };
    let pool = pool(CONNECTIONS, options().filename(&path)).await.map_err(failed)?;
    use_write_ahead_log(&pool).await.map_err(failed)?;
    Ok(pool)
}

/// A database that is gone when its pool is: one connection, since each would see its own.
pub(crate) async fn open_in_memory() -> Result<SqlitePool, OpenError> {
    pool(1, options().in_memory(true))
        .await
        .map_err(|source| OpenError::Connect { path: PathBuf::from(IN_MEMORY), source })
}

/// How errors name a database without a file.
const IN_MEMORY: &str = ":memory:";

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new().foreign_keys(true).synchronous(SqliteSynchronous::Full).busy_timeout(BUSY_TIMEOUT)
}

/// A local file's connections neither age nor break, so none is tested or replaced.
async fn pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

/// Creates the file before SQLite would, which knows no mode but the process's umask. SQLite gives its
/// log and index files (`-wal`, `-shm`) the mode of this one.
fn create_private(path: &Path) -> io::Result<()> {
    // Closing a file drops this process's POSIX locks on it, also those of SQLite (sqlite.org/howtocorrupt,
    // 2.2): no second task may find the new file and lock it before this one has closed it.
    static CREATING: Mutex<()> = Mutex::new(());
    let _alone = CREATING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// The mode is stored in the file. SQLite's busy timeout does not cover the change to it, so that of
/// several processes that open a new file at once, all but one have to try again.
async fn use_write_ahead_log(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let started = Instant::now();
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            answer => return answer.map(drop),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    let code = error.as_database_error().and_then(|error| error.code());
    // The low byte is the error; the rest says more of it (sqlite.org/rescode.html).
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
