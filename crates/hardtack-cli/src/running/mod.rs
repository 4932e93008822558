//! What the servers record in the database about themselves.
//!
//! A command such as `hardtack user log-out` or `hardtack keys rotate` does not run in a server's process. If the
//! command relied only on its own settings, it might look for sessions in the wrong place, or create a key that no
//! server uses. It would nevertheless report success.
//!
//! Each running server has rows in the `hardtack_settings` table. Commands read these rows to find out where the server
//! keeps its sessions and which keys it uses. The server renews its rows every few seconds. If a server is killed,
//! its rows are ignored once they are more than [`LAPSE`] seconds old.
//!
//! A server writes its rows only after it has checked all its settings. If a server fails to start because of invalid
//! settings, the rows stay unchanged.

mod counts;
mod difference;
mod given_keys;
mod left_store;
mod lost_changes;
mod place;
mod presence;
mod session_place;
mod site;
mod store;
mod store_checks;
mod table;

pub(crate) use given_keys::{GivenKeys, given_keys, resolved};
pub(crate) use presence::Presence;
pub(crate) use session_place::check;
pub(crate) use store::SessionsIn;
pub(crate) use table::{LAPSE, SETTINGS};
