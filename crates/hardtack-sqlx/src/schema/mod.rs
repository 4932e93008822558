//! The database tables, and the conversion between their rows and `hardtack`'s types.
//!
//! To add a column to `sessions`, add a migration to [`migrations`]. In [`columns`], add a line to the list of columns,
//! and code that converts the column to and from a field of [`Session`](hardtack::session::Session).

mod columns;
mod error;
mod log;
mod migrations;
mod values;

pub(crate) use columns::{SessionRow, session_columns};
pub(crate) use error::RowError;
pub(crate) use log::{LogRow, decode_page};
pub use migrations::{PENDING_ENDS, SESSIONS, THROTTLE};
pub(crate) use values::{decode_id, is_storable, to_storable, to_unsigned};
