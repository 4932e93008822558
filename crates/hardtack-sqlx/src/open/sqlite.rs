//! Opening an SQLite file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hardtack_db::DatabaseFile;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::ownership;
use super::url::sqlite_file;
use crate::error::OpenError;

/// The maximum number of connections in a pool. SQLite allows only one writer at a time, so additional connections
/// would mostly wait.
const CONNECTIONS: u32 = 4;

/// How long a write waits for a write on another connection to finish.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a connection from the pool. If it gets none in this time, the request fails, and the
/// client gets a 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a database file with the settings that Hardtack relies on. Creates the file if it does not exist, but does not
/// create tables.
///
/// The file uses a write-ahead log. SQLite confirms a commit only after it is durable (`synchronous = FULL`). Foreign
/// keys are enforced, and the busy timeout is five seconds. On some errors, such as a full disk, SQLite ends the
/// transaction on its own. If that happens, the pool closes the connection instead of reusing it.
///
/// A new file has mode 0600, so only its owner can read it or write to it. An existing file keeps its permissions. This
/// function returns an error unless the file belongs to root or to the user that runs this process, and no other user
/// can write to the file. The function also checks the folder, because a user who can write to the folder can replace
/// the file. If other users can read the file, the function logs a warning.
///
/// If the file is replaced while the pool is open, new connections and Hardtack's later operations on this database
/// fail.
///
/// If `path` begins with `sqlite:`, it is parsed as a [`DatabaseUrl`](crate::DatabaseUrl). To open a file whose name
/// begins with `sqlite:`, put `./` in front of the name.
///
/// # Errors
/// - The file cannot be created, or cannot be opened as an SQLite database.
/// - The file or its folder belongs to, or can be written to by, a user who is neither root nor the user that runs this
///   process.
/// - This process cannot write to the file, to a file that SQLite keeps beside it, or to the folder.
/// - `path` is an `sqlite:` URL that is not valid.
pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<SqlitePool, OpenError> {
    match sqlite_file(path.as_ref())? {
        Some(path) => open_file(&path).await,
        None => open_in_memory().await,
    }
}

/// Opens a database file, as [`open_sqlite`] does.
pub(crate) async fn open_file(path: &Path) -> Result<SqlitePool, OpenError> {
    // An absolute path has no special meaning to SQLite, unlike `:memory:`, `file:…` and the empty path.
    let path = std::path::absolute(path).map_err(|source| OpenError::CreateFile { path: path.into(), source })?;
    let create_failed = |source| OpenError::CreateFile { path: path.clone(), source };
    let target = ownership::without_links(&path);
    create_private(&target).map_err(create_failed)?;
    let target = target.canonicalize().map_err(create_failed)?;
    // A user who can replace a symbolic link can choose which file the link points to.
    ownership::check_folder(&path)?;
    ownership::check_folder(&target)?;
    ownership::check(&target)?;
    ownership::check_writable_files(&target)?;
    let file = DatabaseFile::at(&target).map_err(create_failed)?;

    let failed = |source| OpenError::OpenFile { path: path.clone(), source };
    let options = options().filename(&target);
    let pool_options = pool_options(CONNECTIONS)
        .after_connect(move |_, _| {
            let same = file.check().map(drop);
            Box::pin(async move { same })
        })
        .after_release(|connection, _| Box::pin(async { is_out_of_transaction(connection).await }));
    let pool = pool_options.connect_with(options).await.map_err(failed)?;
    use_write_ahead_log(&pool).await.map_err(failed)?;
    Ok(pool)
}

/// Opens an in-memory database that lives as long as its pool. The pool has only one connection, because a second
/// connection would open another, empty database.
pub(crate) async fn open_in_memory() -> Result<SqlitePool, OpenError> {
    pool_options(1)
        .connect_with(options().in_memory(true))
        .await
        .map_err(|source| OpenError::OpenFile { path: PathBuf::from(IN_MEMORY), source })
}

/// The name that error messages show for an in-memory database.
const IN_MEMORY: &str = ":memory:";

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new().foreign_keys(true).synchronous(SqliteSynchronous::Full).busy_timeout(BUSY_TIMEOUT)
}

/// Returns the pool's options. Connections to a local file stay usable, so the pool does not test or replace them.
fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Returns whether a connection that is returned to the pool can be used again. If it cannot, the pool closes the
/// connection.
///
/// On some errors, such as a full disk or a failed write, SQLite rolls the transaction back by itself
/// (sqlite.org/lang_transaction.html, "Response to errors within a transaction"). The rollback that sqlx sends then
/// fails, and sqlx still considers the connection to be in a transaction. Every later `BEGIN IMMEDIATE` on this
/// connection would fail.
async fn is_out_of_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // If a transaction was dropped, its rollback is still queued. `ping` returns only after the connection has executed
    // this rollback.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Creates the file with mode 0600 if it does not exist. If SQLite created the file, the mode would depend on the
/// process's umask. SQLite gives its log and index files (`-wal`, `-shm`) the same mode as the database file.
fn create_private(path: &Path) -> io::Result<()> {
    // Closing a file drops all POSIX locks that this process holds on the file, including SQLite's
    // (sqlite.org/howtocorrupt, 2.2). Therefore, no other task may open the new file before this task has closed it.
    static CREATING: Mutex<()> = Mutex::new(());
    let _guard = CREATING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Switches the file to write-ahead logging, and retries while the file is busy. If several processes open a new file
/// at once, only one of them succeeds at first. The others must retry, because SQLite's busy timeout does not apply to
/// this switch.
async fn use_write_ahead_log(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let started = Instant::now();
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result.map(drop),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    let code = error.as_database_error().and_then(|error| error.code());
    // The low byte is the primary result code (sqlite.org/rescode.html).
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
