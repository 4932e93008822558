//! The flag `--alg`.

use hardtack::jwt::Algorithm;

use crate::error::Error;

/// Parses the value of `--alg`.
pub(super) fn algorithm(name: &str) -> Result<Algorithm, Error> {
    name.parse().map_err(|error| Error::config(format_args!("--alg is {name:?}: {error}")))
}
