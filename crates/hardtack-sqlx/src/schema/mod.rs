//! The tables, and how their rows become the types of `hardtack` and back.
//!
//! A new column of `sessions` needs a migration ([`migrations`]), a line in the list in [`columns`], and the field of
//! [`Session`](hardtack::session::Session) that it stores.

mod columns;
mod error;
mod log;
mod migrations;
mod values;

pub(crate) use columns::{SessionRow, session_columns};
pub(crate) use error::RowError;
pub(crate) use log::{LogRow, decode_page};
pub(crate) use migrations::{MIGRATIONS, PENDING_MIGRATIONS, THROTTLE_MIGRATIONS};
pub(crate) use values::{decode_id, is_storable, to_storable, to_unsigned};
