//! Where a request carries its token, and which token a route needs. By default, the token is in a cookie. It can also
//! be in a header, the query or a JSON body.

mod extract;
mod location;
mod need;
mod required_claims;
mod role;
mod sources;

pub(crate) use extract::{Absence, Extracted, extract};
pub use location::{Locations, TokenLocation, UnknownLocation};
pub use need::Need;
pub use required_claims::RequiredClaims;
pub use role::{InRole, Role};
pub use sources::TokenSources;
