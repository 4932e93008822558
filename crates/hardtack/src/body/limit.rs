//! How much of a body is read before the handler runs.

/// The most of a body that is read before the handler runs, in bytes. A form's CSRF field belongs at its start.
pub(crate) const PEEK_LIMIT: usize = 64 * 1024;
