//! The limit on reading a body before the handler runs.

/// How much of a body is read before the handler runs, in bytes. A form's CSRF field must be within this part.
pub(crate) const PEEK_LIMIT: usize = 64 * 1024;
