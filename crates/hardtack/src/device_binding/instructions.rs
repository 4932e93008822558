//! The JSON that tells a browser which cookie is bound, and where to refresh the session.

use serde_json::{Value, json};

use crate::session::SessionId;

/// The content of the response to a browser that registers its device's public key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instructions<'a> {
    pub(crate) session: SessionId,
    /// The path on this site where the browser refreshes the session and proves that it has the device key.
    pub(crate) refresh_path: &'a str,
    /// The name of the bound cookie. Browsers refuse to bind a cookie whose name has the prefix `__Host-Http-`.
    pub(crate) cookie: &'a str,
    /// The attributes of the bound cookie, as in its `Set-Cookie`. If they differ from `Set-Cookie`, the browser
    /// refreshes the session before every request. `Max-Age` is left out, because browsers refuse instructions that
    /// contain it.
    pub(crate) attributes: &'a str,
}

impl Instructions<'_> {
    /// Returns the JSON.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "session_identifier": self.session.to_string(),
            "refresh_url": self.refresh_path,
            // Chromium requires `scope` and `include_site`. The value `false` limits the binding to this host.
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
