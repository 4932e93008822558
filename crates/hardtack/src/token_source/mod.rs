//! Where a request carries its token: in a cookie by default, or in a header, the query or a JSON body.

mod extract;
mod location;
mod need;
mod required_claims;
mod sources;

pub(crate) use extract::{Absence, Extracted, extract};
pub use location::{Locations, TokenLocation, UnknownLocation};
pub use need::Need;
pub use required_claims::RequiredClaims;
pub use sources::TokenSources;
