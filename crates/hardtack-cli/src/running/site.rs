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
    let redis_cli = match address.strip_prefix("unix://").map(|rest| rest.split_once('?').unwrap_or((rest, ""))) {
        Some((path, query)) => {
            let db = query.split('&').find_map(|pair| pair.strip_prefix("db=")).unwrap_or("0");
            format!("redis-cli -s {path} -n {db}")
        }
        None => format!("redis-cli -u {address}"),
    };
    Error::config(format_args!(
        "another site, which has another database, stores its sessions in the Redis at {address}; set --redis-url or \
         HARDTACK_REDIS_URL to another Redis or to another database number, such as redis://HOST/1; if the other site \
         no longer exists, or if you have replaced the database of this site, give the Redis to this site (add \
         --askpass if Redis has a password): {redis_cli} DEL \"{{hardtack}}:site\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_the_database_of_redis() {
        for (address, command) in [
            ("unix:///run/r.sock?db=3&user=me", "redis-cli -s /run/r.sock -n 3 DEL"),
            ("unix:///run/r.sock", "redis-cli -s /run/r.sock -n 0 DEL"),
            ("redis://cache.example:6379/2", "redis-cli -u redis://cache.example:6379/2 DEL"),
        ] {
            let text = is_another(address).to_string();
            assert!(text.contains(command), "{text}");
        }
    }
}
