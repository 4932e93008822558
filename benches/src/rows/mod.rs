//! The rows of the table, with one module for each part.

pub(crate) mod allocations;
pub(crate) mod asymmetric;
pub(crate) mod cores;
pub(crate) mod http;
pub(crate) mod login;
pub(crate) mod logins;
pub(crate) mod request;
pub(crate) mod router;
pub(crate) mod verify;

use crate::Failed;
use crate::run::Plan;
use crate::table::Row;

/// A group of rows that are measured together.
pub(crate) struct Group {
    /// The name of the part in `--only`.
    pub(crate) name: &'static str,
    pub(crate) measure: fn(&Plan) -> Result<Vec<Row>, Failed>,
}

/// All groups, in the order of the table.
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "verify", measure: verify::measure },
    Group { name: "request", measure: request::measure },
    Group { name: "asymmetric", measure: asymmetric::measure },
    Group { name: "login", measure: login::measure },
    Group { name: "router", measure: router::measure },
    Group { name: "allocations", measure: allocations::measure },
    Group { name: "http", measure: http::measure },
    Group { name: "logins", measure: logins::measure },
    Group { name: "cores", measure: cores::measure },
];
