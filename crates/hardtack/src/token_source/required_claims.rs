//! The claims that a route requires in a request's token.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::jwt::ClaimFlaw;

/// The claims that a route requires in a request's token. The adapters' `Require` layers check them.
///
/// A claim meets the requirement if it equals the required value or is an array that contains this value. The token
/// must have all required claims.
///
/// ```
/// use hardtack::token_source::RequiredClaims;
///
/// let editors = RequiredClaims::default().and("role", "editor").and("verified", true);
/// assert_eq!(editors.flaw(br#"{"role":"editor","verified":true}"#), None);
/// assert_eq!(editors.flaw(br#"{"role":["reader","editor"],"verified":true}"#), None);
/// let flaw = editors.flaw(br#"{"role":"editors","verified":true}"#).unwrap();
/// assert_eq!(flaw.to_string(), "the route does not accept the name or the value of the token's claim \"role\"");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequiredClaims(Option<Arc<Vec<(String, Value)>>>);

impl RequiredClaims {
    /// No claims.
    pub const NONE: Self = Self(None);

    /// Adds a required claim. The claim in the token must equal `value`, or be an array that contains it.
    #[must_use]
    pub fn and(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let mut claims = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        claims.push((name.into(), value.into()));
        Self(Some(Arc::new(claims)))
    }

    /// Finds the first required claim that the payload does not satisfy, and returns what is wrong with it. Returns
    /// `None` if the payload satisfies all required claims.
    #[inline]
    pub fn flaw(&self, payload: &[u8]) -> Option<ClaimFlaw> {
        self.0.as_deref().and_then(|claims| first_flaw(claims, payload))
    }
}

fn first_flaw(claims: &[(String, Value)], payload: &[u8]) -> Option<ClaimFlaw> {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(payload) else {
        return Some(ClaimFlaw::Unreadable);
    };
    claims.iter().find_map(|(name, needed)| flaw_of(&members, name, |value| value == needed))
}

/// Returns what is wrong with the claim `name`. Returns `None` if the claim equals the required value, or is an array
/// that contains the required value.
pub(super) fn flaw_of(
    members: &Map<String, Value>,
    name: &str,
    is_needed: impl Fn(&Value) -> bool,
) -> Option<ClaimFlaw> {
    match members.get(name) {
        None => Some(ClaimFlaw::Missing(name.to_owned())),
        Some(value) if is_needed(value) => None,
        Some(Value::Array(values)) if values.iter().any(is_needed) => None,
        Some(_) => Some(ClaimFlaw::Unfit(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_a_claim_equals_the_value_or_contains_it() {
        let admin = RequiredClaims::default().and("role", "admin");
        for (payload, suffices) in [
            (r#"{"role":"admin"}"#, true),
            (r#"{"role":["reader","admin"]}"#, true),
            (r#"{"role":"Admin"}"#, false),
            (r#"{"role":"administrator"}"#, false),
            (r#"{"role":[["admin"]]}"#, false),
            (r#"{"role":{"admin":true}}"#, false),
            (r#"{"role":null}"#, false),
            (r#"{"roles":"admin"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(admin.flaw(payload.as_bytes()).is_none(), suffices, "{payload}");
        }
        assert_eq!(RequiredClaims::NONE.flaw(b"{}"), None);
        assert_eq!(admin.and("level", 2).flaw(br#"{"role":"admin"}"#), Some(ClaimFlaw::Missing("level".into())));
    }
}
