//! The async runtime for a command.

use tokio::runtime::Builder;

use crate::error::Error;

/// Runs a future to completion on the runtime that `builder` builds.
pub(super) fn block_on<T>(mut builder: Builder, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = builder.enable_all().build();
    let failed = |error| Error::runtime(format_args!("the async runtime cannot be started: {error}"));
    runtime.map_err(failed)?.block_on(future)
}
