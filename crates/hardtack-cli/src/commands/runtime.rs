//! The async runtime of a command.

use tokio::runtime::Builder;

use crate::error::Error;

/// Runs a future to its end, on this thread only or on one thread for each core.
pub(super) fn block_on(mut builder: Builder, future: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = builder.enable_all().build();
    let failed = |error| Error::runtime(format_args!("the async runtime cannot be started: {error}"));
    runtime.map_err(failed)?.block_on(future)
}
