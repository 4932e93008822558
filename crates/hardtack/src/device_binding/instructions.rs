//! The JSON that tells a browser what is bound.

use serde_json::{Value, json};

use crate::session::SessionId;

/// The answer to a registration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instructions<'a> {
    pub(crate) session: SessionId,
    /// Where the browser proves that it has the key: a path on this site.
    pub(crate) refresh_path: &'a str,
    /// The name of the bound cookie. Browsers refuse names with the prefix `__Host-Http-`.
    pub(crate) cookie: &'a str,
    /// The attributes with which the cookie is set, without `Max-Age`, which browsers refuse here. If they differ from
    /// those of the cookie, the browser refreshes at every request.
    pub(crate) attributes: &'a str,
}

impl Instructions<'_> {
    /// Returns the JSON.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "session_identifier": self.session.to_string(),
            "refresh_url": self.refresh_path,
            // Both members are required. The session is bound for this host only.
            "scope": { "include_site": false },
            "credentials": [{ "type": "cookie", "name": self.cookie, "attributes": self.attributes }],
        })
    }
}

/// Returns the JSON that makes a browser forget a bound session.
pub(crate) fn ended(session: &str) -> Value {
    json!({ "session_identifier": session, "continue": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_have_the_members_that_chromium_requires() {
        let instructions = Instructions {
            session: SessionId::from_u128(7),
            refresh_path: "/token/bound",
            cookie: "__Host-access_token_cookie",
            attributes: "Path=/; Secure; HttpOnly; SameSite=Lax",
        };
        assert_eq!(
            instructions.to_json().to_string(),
            r#"{"credentials":[{"attributes":"Path=/; Secure; HttpOnly; SameSite=Lax","name":"__Host-access_token_cookie","type":"cookie"}],"refresh_url":"/token/bound","scope":{"include_site":false},"session_identifier":"00000000000000000000000000000007"}"#
        );
        assert_eq!(ended("x").to_string(), r#"{"continue":false,"session_identifier":"x"}"#);
    }
}
