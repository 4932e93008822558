//! How a token's claims fail to meet a route's requirements.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Describes, for the log, how a token's claims fail to meet a route's requirements.
///
/// A `ClaimFlaw` can contain the claim's name. It never contains the claim's value, because the value might be personal
/// data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimFlaw {
    /// The token has no claim with this name.
    Missing(String),
    /// The route does not accept the claim's type or value, or does not allow a claim with this name at all.
    Unfit(String),
    /// The token's claims cannot be deserialized into the type that the route asks for, and it is not known which claim
    /// is the cause.
    Unreadable,
}

impl fmt::Display for ClaimFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the token has no claim {name:?}, which the route needs"),
            Self::Unfit(name) => {
                write!(f, "the route does not accept the name or the value of the token's claim {name:?}")
            }
            Self::Unreadable => f.write_str("the token's claims do not fit the type that the route expects"),
        }
    }
}

impl ClaimFlaw {
    /// Finds the claim that prevents `T` from being read from a payload. The search might read the payload once for
    /// each claim, so call this function only if reading `T` has failed.
    pub(super) fn of<T: DeserializeOwned>(payload: &[u8]) -> Self {
        let Ok(members) = serde_json::from_slice::<Map<String, Value>>(payload) else { return Self::Unreadable };
        let complaint = |members: &Map<String, Value>| {
            let read = serde_json::from_value::<T>(Value::Object(members.clone()));
            read.err().map(|error| error.to_string())
        };
        let Some(whole) = complaint(&members) else { return Self::Unreadable };
        if let Some(rest) = whole.strip_prefix("missing field `")
            && let Some((name, _)) = rest.split_once('`')
        {
            return Self::Missing(name.to_owned());
        }
        // The error does not say which claim caused it. A claim is the cause if the error changes or disappears when
        // that claim is removed.
        let is_cause = |name: &&String| {
            let mut others = members.clone();
            others.remove(name.as_str());
            complaint(&others).as_ref() != Some(&whole)
        };
        members.keys().find(is_cause).map_or(Self::Unreadable, |name| Self::Unfit(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Editor,
    }

    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Role {
        sub: String,
        role: Kind,
        level: Option<u8>,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Only {
        sub: String,
    }

    #[test]
    fn e06_the_flaw_names_the_claim_and_not_its_value() {
        let role = |payload: &str| ClaimFlaw::of::<Role>(payload.as_bytes());
        assert_eq!(role(r#"{"sub":"a"}"#), ClaimFlaw::Missing("role".into()));
        assert_eq!(role(r#"{"role":"editor"}"#), ClaimFlaw::Missing("sub".into()));
        let unfit = |name: &str| ClaimFlaw::Unfit(name.into());
        assert_eq!(role(r#"{"sub":"a","role":"secret reader"}"#), unfit("role"));
        assert_eq!(role(r#"{"sub":"a","role":7}"#), unfit("role"));
        assert_eq!(role(r#"{"sub":"a","role":"editor","level":"high"}"#), unfit("level"));
        assert_eq!(ClaimFlaw::of::<Only>(br#"{"sub":"a","iat":1}"#), unfit("iat"));
        assert!(!role(r#"{"sub":"a","role":"secret reader"}"#).to_string().contains("secret"));
        assert_eq!(role("[]"), ClaimFlaw::Unreadable);
    }
}
