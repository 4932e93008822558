//! A posted form that waits for its sender's password, in the sender's own browser.

use axum::response::Response;
use hardtack::Authenticator;
use http::HeaderMap;
use serde::Deserialize;

use super::kept::Kept;
use crate::users::{Settings, User};

/// Not a credential: what it holds is shown in a form, checked and sent again by its owner. It names its
/// owner, so that nobody who logs in next is shown it, and nobody who can plant a cookie fills the form:
/// a user's id is random, and known to nobody else.
const KEPT: Kept = Kept { name: "settings_draft", path: "/account", max_age: 600 };

/// The longest that is kept, in bytes; a longer form is typed again.
const MAX_LEN: usize = 2048;

pub(super) fn keep(response: Response, user: &User, settings: &Settings, engine: &Authenticator) -> Response {
    let text = serde_json::json!({ "user": user.id, "display_name": settings.display_name, "email": settings.email })
        .to_string();
    let value = hex(text.as_bytes());
    if value.len() > MAX_LEN { response } else { KEPT.keep(response, &value, engine) }
}

pub(super) fn clear(response: Response, engine: &Authenticator) -> Response {
    KEPT.clear(response, engine)
}

#[derive(Deserialize)]
struct Draft {
    user: String,
    display_name: String,
    email: String,
}

pub(super) fn read(headers: &HeaderMap, user: &User) -> Option<Settings> {
    let draft: Draft = serde_json::from_slice(&unhex(KEPT.read(headers)?)?).ok()?;
    (draft.user == user.id).then_some(Settings { display_name: draft.display_name, email: draft.email })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
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
    fn hexadecimal_survives_and_nonsense_does_not() {
        assert_eq!(unhex(&hex("Ä \"x\"".as_bytes())).as_deref(), Some("Ä \"x\"".as_bytes()));
        for bad in ["0", "zz", "0é", "+1"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
