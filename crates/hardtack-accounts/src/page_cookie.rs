//! A cookie that one page keeps to itself for a few minutes.

use axum::response::Response;
use hardtack::Authenticator;
use http::{HeaderMap, HeaderValue, header};

/// Such a cookie: httpOnly, and sent to one path only.
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// How long it is kept, in seconds.
    pub(super) max_age: u32,
}

impl Kept {
    /// Keeps a value, which is of letters and digits.
    pub(super) fn keep(&self, response: Response, value: &str, engine: &Authenticator) -> Response {
        self.set(response, value, self.max_age, engine)
    }

    pub(super) fn clear(&self, response: Response, engine: &Authenticator) -> Response {
        self.set(response, "", 0, engine)
    }

    /// What is kept; nothing where two say so, as somebody has planted one of them.
    pub(super) fn read<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
        let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut own = pairs.filter(|(name, value)| *name == self.name && !value.is_empty()).map(|(_, value)| value);
        own.next().filter(|_| own.next().is_none())
    }

    fn set(&self, mut response: Response, value: &str, age: u32, engine: &Authenticator) -> Response {
        let secure = if engine.sets_secure_cookies() { "; Secure" } else { "" };
        let Self { name, path, .. } = self;
        let cookie = format!("{name}={value}; Max-Age={age}{secure}; HttpOnly; Path={path}; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
