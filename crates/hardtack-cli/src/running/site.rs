//! The site to which a Redis belongs.
//!
//! A server can end all sessions in Redis, for example after an older snapshot was restored. If two sites with
//! different databases kept their sessions in the same Redis, the servers of one site could end the other site's
//! sessions. Therefore, each Redis that contains sessions belongs to one site. The site's database contains a random
//! site id, and Redis contains the id of the site that it belongs to.

use super::table::Table;
use crate::error::Error;
use hardtack::session::SessionId;

/// The name of the row of `hardtack_settings` that contains the random id of the site.
const SITE: &str = "site_id";

/// Returns the id of the site. If the site has no id yet, this function gives it a random one first.
pub(super) async fn id(table: &Table) -> Result<String, Error> {
    if let Some(id) = table.get(SITE).await? {
        return Ok(id);
    }
    // The site's id has the format of a session id: 128 random bits.
    table.replace(SITE, None, &SessionId::random().to_string()).await?;
    table.get(SITE).await?.ok_or_else(|| Error::runtime("the database has lost the id of the site; try again"))
}

/// Returns an error that says that the Redis at `address` belongs to another site.
pub(super) fn is_another(address: &str) -> Error {
    let redis_cli = match address.strip_prefix("unix://") {
        Some(path) => format!("redis-cli -s {path}"),
        None => format!("redis-cli -u {address}"),
    };
    Error::config(format_args!(
        "another site, which has another database, stores its sessions in the Redis at {address}; set --redis-url or \
         HARDTACK_REDIS_URL to another Redis or to another database number, such as redis://HOST/1; if the other site \
         no longer exists, or if you have replaced the database of this site, give the Redis to this site with: \
         {redis_cli} DEL \"{{hardtack}}:site\""
    ))
}
