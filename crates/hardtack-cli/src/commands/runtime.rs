//! The async runtime for a command.

use std::time::Duration;

use hardtack_sqlx::Database;
use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

/// How long [`stop_and_close`] waits for work on threads, such as hashing a password or writing an email to a file.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Builds a runtime with timers and I/O.
pub(super) fn build(mut builder: Builder) -> Result<Runtime, Error> {
    let failed = |error| Error::runtime(format_args!("the async runtime cannot be started: {error}"));
    builder.enable_all().build().map_err(failed)
}

/// Runs a future to completion on the runtime that `builder` builds.
pub(super) fn block_on<T>(builder: Builder, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    build(builder)?.block_on(future)
}

/// Stops all tasks of the runtime, and then closes the database. If a task still ran, it could find the database
/// closed, and would log that the database failed.
pub(super) fn stop_and_close(runtime: Runtime, database: &Database) -> Result<(), Error> {
    runtime.shutdown_timeout(STOP_TIMEOUT);
    block_on(Builder::new_current_thread(), async {
        database.close().await;
        Ok(())
    })
}
