//! The application that each framework writes once, and the parts of it that are no framework's.
//!
//! The layer of the adapter is around everything, with the engine that [`Adapter::serve`] gets; without an
//! engine, nothing is around it. The server speaks HTTP/1.1 and, by prior knowledge, HTTP/2 on the same
//! port, and tells the adapter each connection's address. State is one counter for each server. Unless something else is said, an answer is 200 with JSON,
//! and a handler adds no header of its own.
//!
//! | methods | path | takes | answers |
//! | --- | --- | --- | --- |
//! | GET, HEAD | `/anyone` | `Option<AccessToken>` | `{"sub": "alice"}`, or `{"sub": null}` |
//! | GET, HEAD, OPTIONS, POST, PUT, DELETE | `/protected` | `AccessToken` | `{"sub", "fresh", "calls"}`: whether the token is fresh now, and the counter after adding one |
//! | GET, POST | `/fresh` | `FreshAccessToken` | `{"sub"}` |
//! | GET, POST | `/refresh-token` | `RefreshToken` | `{"sub"}` |
//! | GET | `/user` | `CurrentUser<`[`User`]`>` | `{"sub", "name"}`: of the token, and of the user |
//! | GET | `/user/optional` | `Option<CurrentUser<`[`User`]`>>` | `{"name"}`, or `{"name": null}` |
//! | GET | `/claims` | `AccessToken<`[`Role`]`>` | `{"sub", "role"}` |
//! | GET | `/form` | – | `{"csrf_token"}` from `Auth::pre_session`, with its cookie |
//! | POST | `/login` | body, [`Login`] | logs in as [`Login::log_in`] says; a page: 303 to `Auth::next_or_home`; else `{"sub"}` |
//! | GET, POST | `/logout` | – | logs out; a page: 303 to `/anyone`; else `{"sub": null}` |
//! | GET, HEAD, POST | `/token/refresh` | – | `Auth::refresh_and_return` |
//! | POST | `/reauthenticate` | body, [`Login`] | `Auth::reauthenticate(sub)`, `{"sub"}` |
//! | POST | `/renew` | – | `Auth::renew`, `{}` |
//! | POST | `/echo` | `AccessToken`, body | the body's bytes, with `X-Calls`: the counter after adding one; bodies of 4 MiB are taken |
//! | POST | `/upload` | `AccessToken`, body | `{"bytes"}`: the body counted as it streams by, and never held |
//! | GET | `/redirects` | `AccessToken` | 303 to `/anyone` with `Set-Cookie: theme=dark; Path=/` and `Cache-Control: public, max-age=60` |
//! | GET | `/unsets` | `AccessToken` | `{}` and the cookies of the engine's `unset_jwt_cookies` |
//! | POST | `/unsets` | `AccessToken` | `{}` and the cookies of `Auth::log_out` |
//! | GET | `/refuses` | `AccessToken` | `Auth::refuse` with `Reason::ClaimsRefused` |
//! | GET | `/same-origin` | – | `Auth::require_same_origin`, `{}` |
//! | POST | `/signup` | – | `Auth::require_pre_session`, `{}` |
//! | GET | `/about` | – | `{"next", "wants", "q", "agent", "refresh_csrf"}`: `Auth::next_or_home`, `Auth::wants` as `page`, `htmx` or `api` ([`word_for`]), `Auth::query("q")`, the field `User-Agent`, and `Auth::refresh_csrf_token` |
//! | GET, POST | `/guarded/page` | – | `{"calls"}`, the counter after adding one; under `Require` with `Need::access()` |
//! | GET, POST | `/guarded/token` | `AccessToken` | `{"sub"}`; under the same `Require` |
//! | GET | `/guarded-fresh/page` | – | `{}`; under `Require` with `Need::access().fresh()` |
//! | GET, POST | `/nested/inner` | `AccessToken` | `{"sub"}`; in a router or scope that is mounted at `/nested` |
//!
//! Any other method answers 405, any other path 404, as the framework does it. Where a body cannot be
//! read, because its client is gone or because it is too long, the handler does not run.
//!
//! [`Adapter::serve`]: super::Adapter::serve

use hardtack::session::StoreError;
use hardtack::{FindUser, LogIn, Wants};
use serde::Deserialize;
use serde_json::Value;

use super::told::SECRET;

/// The application's user: everyone but `ghost` is known, and the look-up of `broken` fails.
#[derive(Clone, Debug)]
pub struct User {
    /// `The user alice`, for alice.
    pub name: String,
}

impl<S: Sync> FindUser<S> for User {
    async fn find_user(subject: &str, _: &S) -> Result<Option<Self>, StoreError> {
        match subject {
            "broken" => Err(StoreError::new(SECRET)),
            "ghost" => Ok(None),
            known => Ok(Some(Self { name: format!("The user {known}") })),
        }
    }
}

/// The application's own claim.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// What the user may do.
    pub role: String,
}

/// The body of a log-in: `sub` and perhaps `role`, as a form or as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub sub: String,
    /// The claim [`Role`].
    pub role: Option<String>,
}

impl Login {
    /// Reads a body. Where it names nobody, it is `someone`.
    pub fn read(content_type: &str, body: &[u8]) -> Self {
        let mut fields: Vec<(String, String)> = if content_type.starts_with("application/json") {
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            let text = |name: &str| Some((name.to_owned(), json[name].as_str()?.to_owned()));
            ["sub", "role"].into_iter().filter_map(text).collect()
        } else {
            form_urlencoded::parse(body).into_owned().collect()
        };
        let mut take = |name| fields.iter().position(|(field, _)| field == name).map(|at| fields.swap_remove(at).1);
        Self { sub: take("sub").unwrap_or_else(|| "someone".to_owned()), role: take("role") }
    }

    /// What the engine is told.
    pub fn log_in(&self) -> LogIn {
        let log_in = LogIn::new(&self.sub);
        match &self.role {
            Some(role) => log_in.claim("role", role.as_str()),
            None => log_in,
        }
    }
}

/// The word for a client's wish at `/about`.
pub fn word_for(wants: Wants) -> &'static str {
    match wants {
        Wants::Page => "page",
        Wants::Htmx => "htmx",
        _ => "api",
    }
}
