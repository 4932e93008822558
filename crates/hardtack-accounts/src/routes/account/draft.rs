//! A submitted profile, kept in the user's browser while the user is asked for the password.

use axum::response::Response;
use hardtack::Authenticator;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::page_cookie::PageCookie;
use crate::users::{Profile, User};

/// Not a credential: the site only fills a form with its content, which the user checks and sends again. It
/// contains the user's id, so that the next user of the browser does not see it. An attacker who can set cookies
/// cannot fill in the form either, because ids are random and only their users know them.
const COOKIE: PageCookie = PageCookie { name: "settings_draft", path: "/account", max_age: 600 };

/// The longest value, in bytes. A longer form is not kept.
const MAX_LEN: usize = 2048;

#[derive(Deserialize, Serialize)]
struct Draft {
    user: String,
    display_name: String,
    email: String,
}

/// Stores a draft.
pub(super) fn set(response: Response, user: &User, profile: &Profile, auth: &Authenticator) -> Response {
    let Profile { display_name, email } = profile.clone();
    let draft = Draft { user: user.id.clone(), display_name, email };
    let Ok(json) = serde_json::to_vec(&draft) else { return response };
    let value = to_hex(&json);
    if value.len() > MAX_LEN { response } else { COOKIE.set(response, &value, auth) }
}

/// Deletes the draft.
pub(crate) fn clear(response: Response, auth: &Authenticator) -> Response {
    COOKIE.clear(response, auth)
}

/// Returns the draft of this user.
pub(super) fn find(headers: &HeaderMap, user: &User, auth: &Authenticator) -> Option<Profile> {
    let draft: Draft = serde_json::from_slice(&from_hex(COOKIE.find(headers, auth)?)?).ok()?;
    (draft.user == user.id).then_some(Profile { display_name: draft.display_name, email: draft.email })
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips_and_nonsense_is_refused() {
        assert_eq!(from_hex(&to_hex("Ä \"x\"".as_bytes())).as_deref(), Some("Ä \"x\"".as_bytes()));
        for bad in ["0", "zz", "0é", "+1"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }
}
