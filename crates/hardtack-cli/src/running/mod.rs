//! What the servers record in the database about themselves.
//!
//! A command such as `hardtack user log-out` or `hardtack keys rotate` runs in another process than the servers. If it
//! relied only on its own settings, it might look for sessions in the wrong place or create a key that no server uses,
//! and report success. So each running server has rows in the table `hardtack_settings`, which say where its sessions
//! are and which keys it was given. It renews them every few seconds. The rows of a server that was killed lapse.
//!
//! A server records itself only once its whole configuration has been found to be good, so a failed start changes
//! nothing.

mod given_keys;
mod place;
mod presence;
mod session_place;
mod table;

pub(crate) use given_keys::{GivenKeys, given_keys};
pub(crate) use presence::{Presence, SessionsIn};
pub(crate) use session_place::check;
pub(crate) use table::{LAPSE, migrate};
