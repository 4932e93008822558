//! The table of all known claims, with each claim's name and type. Claims are written to a payload in the order of the
//! table.

use std::marker::PhantomData;

use super::{Claims, Fresh, TokenKind};
use crate::clock::Timestamp;

/// Passes the table to the macro `$with`. Each row describes one claim, in the form `"name" field: Type`.
///
/// The claims that Flask-JWT-Extended has come first, in the order in which it writes them. They are followed by the
/// claims that only Hardtack has. The fast reader accepts claims only in the order of this table. If you change the
/// order, tokens that were issued earlier are read more slowly (decision 11).
macro_rules! for_each_claim {
    ($with:ident) => {
        $with! {
            "fresh" fresh: Freshness,
            "iat" issued_at: Time,
            "jti" token_id: Text,
            "type" kind: Kind,
            "sub" subject: Text,
            "nbf" not_before: Optional<Time>,
            "csrf" csrf: Optional<Text>,
            "exp" expires_at: Optional<Time>,
            "sid" session: Optional<Session>,
            "gen" generation: Optional<Number>,
            "auth_time" auth_time: Optional<Time>,
            "iss" issuer: Optional<AnyText>,
            "aud" audience: Audience,
            "proven_at" proven_at: Optional<Time>,
        }
    };
}

pub(super) use for_each_claim;

/// Defines `NAMES`, the list of all claim names, and [`Claims::absent`].
macro_rules! define_names {
    ($($name:literal $field:ident: $type:ty,)*) => {
        /// The names of all claims in the table.
        pub(super) const NAMES: &[&str] = &[$($name),*];

        impl Claims {
            /// Returns claims with default values. The caller must set the required claims.
            pub(super) fn absent() -> Self {
                Self { $($field: Default::default()),* }
            }
        }
    };
}

for_each_claim!(define_names);

impl Claims {
    /// Returns whether [`Claims`] has a field for a claim with this name.
    pub fn is_reserved(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// Returns whether a claim with this name can identify the user. The name must be `sub` or a name that is not
    /// reserved.
    pub(crate) fn can_identify(name: &str) -> bool {
        name == "sub" || (!name.is_empty() && !Self::is_reserved(name))
    }
}

/// A type in the table. `read.rs`, `fast_read.rs` and `write.rs` define how its values are read and written.
pub(crate) trait ClaimType {
    /// The type of the claim's field in [`Claims`]. If the claim is absent from a token, the field has the type's
    /// default value.
    type Value: Default;

    /// Whether a token must have the claim.
    const REQUIRED: bool = true;
}

/// A NumericDate (RFC 7519 §2): seconds since 1970, up to the end of the year 9999.
pub(crate) enum Time {}

/// A non-empty string.
pub(crate) enum Text {}

/// A string.
pub(crate) enum AnyText {}

/// The string `access` or `refresh`.
pub(crate) enum Kind {}

/// A string of 32 lower-case hexadecimal digits.
pub(crate) enum Session {}

/// A non-negative integer.
pub(crate) enum Number {}

/// `true`, `false` or a time. The claim may be absent.
pub(crate) enum Freshness {}

/// A string, or a non-empty array of strings. The claim may be absent.
pub(crate) enum Audience {}

/// A claim that may be absent.
pub(crate) struct Optional<T>(PhantomData<T>);

impl ClaimType for Time {
    type Value = Timestamp;
}

impl ClaimType for Text {
    type Value = String;
}

impl ClaimType for AnyText {
    type Value = String;
}

impl ClaimType for Kind {
    type Value = TokenKind;
}

impl ClaimType for Session {
    type Value = u128;
}

impl ClaimType for Number {
    type Value = u64;
}

impl ClaimType for Freshness {
    type Value = Fresh;
    const REQUIRED: bool = false;
}

impl ClaimType for Audience {
    type Value = Vec<String>;
    const REQUIRED: bool = false;
}

impl<T: ClaimType> ClaimType for Optional<T> {
    type Value = Option<T::Value>;
    const REQUIRED: bool = false;
}
