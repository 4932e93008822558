//! A posted form that waits for its sender's password, in the sender's own browser.

use axum::response::Response;
use hardtack::Authenticator;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use crate::users::{Settings, User};

/// Not a credential: what it holds is shown in a form, checked and sent again by its owner. It names its
/// owner, so that nobody who logs in next is shown it, and nobody who can plant a cookie fills the form:
/// a user's id is random, and known to nobody else.
const NAME: &str = "settings_draft";

/// How long it waits, in seconds.
const MAX_AGE: u32 = 600;

/// The longest that is kept, in bytes; a longer form is typed again.
const MAX_LEN: usize = 2048;

pub(super) fn keep(response: Response, user: &User, settings: &Settings, engine: &Authenticator) -> Response {
    let text = serde_json::json!({ "user": user.id, "display_name": settings.display_name, "email": settings.email })
        .to_string();
    let value = hex(text.as_bytes());
    if value.len() > MAX_LEN { response } else { set(response, &value, MAX_AGE, engine) }
}

pub(super) fn clear(response: Response, engine: &Authenticator) -> Response {
    set(response, "", 0, engine)
}

#[derive(Deserialize)]
struct Kept {
    user: String,
    display_name: String,
    email: String,
}

pub(super) fn read(headers: &HeaderMap, user: &User) -> Option<Settings> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, value)| *name == NAME && !value.is_empty())?;
    let kept: Kept = serde_json::from_slice(&unhex(value)?).ok()?;
    (kept.user == user.id).then_some(Settings { display_name: kept.display_name, email: kept.email })
}

fn set(mut response: Response, value: &str, age: u32, engine: &Authenticator) -> Response {
    let secure = if engine.sets_secure_cookies() { "; Secure" } else { "" };
    let cookie = format!("{NAME}={value}; Max-Age={age}{secure}; HttpOnly; Path=/account; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
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
