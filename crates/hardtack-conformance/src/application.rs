//! The types that the test suite's application needs in any framework.
//!
//! Write the application's routes in your framework. For each route, the [guide for authors of adapters][guide] lists
//! the method, the path, what the handler takes, and what it responds with.
//!
//! [guide]: https://docs.rs/hardtack/latest/hardtack/guide/adapters/

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hardtack::request::Wants;
use hardtack::testing::FailingSessions;
use hardtack::{Authenticator, BackendError, Credentials, FindUser, LogIn};
use serde::Deserialize;
use serde_json::Value;

/// The application's state, which counts handler runs. Each server has its own counter, shared by all clones of the
/// state.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<AtomicU64>);

impl Calls {
    /// Adds one and returns the new count.
    pub fn count(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The application's user. The look-up finds a user for every subject, with two exceptions: no user has the subject
/// `ghost`, and looking up the subject `broken` fails.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's name: `The user alice` for the subject `alice`.
    pub name: String,
}

impl FindUser for User {
    type State = Calls;

    async fn find_user(subject: &str, _: &Calls) -> Result<Option<Self>, BackendError> {
        match subject {
            "broken" => Err(BackendError::new(FailingSessions::ERROR)),
            "ghost" => Ok(None),
            known => Ok(Some(Self { name: format!("The user {known}") })),
        }
    }
}

/// The application's own claim in access tokens.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// The user's role, such as `editor`.
    pub role: String,
}

/// The role of users whose `role` claim is `editor`.
#[derive(Debug)]
pub struct Editor;

impl hardtack::Role for Editor {
    const CLAIM: &'static str = "role";
    const VALUE: &'static str = "editor";
}

/// The error of the route `/unsure`. It must not reach a client.
pub const UNSURE_ERROR: &str = "the connection broke during COMMIT";

/// The password of every user.
pub const PASSWORD: &str = "correct horse battery staple";

/// Checks the user name and password that a user types into a form on the [ready-made routes](ready_routes_wanted).
/// Returns the user if the password is right.
///
/// # Errors
/// The user is `broken`.
pub async fn check_password(typed: Credentials) -> Result<Option<String>, BackendError> {
    match typed.username.as_str() {
        "broken" => Err(BackendError::new(FailingSessions::ERROR)),
        _ => Ok((typed.password == PASSWORD).then_some(typed.username)),
    }
}

/// Returns whether the application must serve the adapter's ready-made routes with [`check_password`]. This is the case
/// if the authenticator's log-in URL begins with `/ready/`.
pub fn ready_routes_wanted(authenticator: &Authenticator) -> bool {
    authenticator.urls().login_path().starts_with("/ready/")
}

/// The body of a log-in request: `sub` and optionally `role`, as a form or as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The subject to log in.
    pub sub: String,
    /// The value of the [`Role`] claim.
    pub role: Option<String>,
}

impl Login {
    /// Parses a request body. If the body has no `sub`, the subject is `someone`.
    pub fn parse(content_type: &str, body: &[u8]) -> Self {
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

    /// Returns the log-in to pass to `Auth::log_in`.
    pub fn to_log_in(&self) -> LogIn {
        let log_in = LogIn::new(&self.sub);
        match &self.role {
            Some(role) => log_in.claim("role", role.as_str()),
            None => log_in,
        }
    }
}

/// Returns the value of the member `wants` in the `/about` response.
pub fn wants_name(wants: Wants) -> &'static str {
    match wants {
        Wants::Page => "page",
        Wants::Htmx => "htmx",
        _ => "api",
    }
}

#[cfg(test)]
mod tests {
    use super::Login;

    #[test]
    fn parses_forms_and_json() {
        let alice = Login { sub: "alice".to_owned(), role: Some("a b".to_owned()) };
        assert_eq!(Login::parse("application/x-www-form-urlencoded", b"csrf_token=x&sub=alice&role=a+b"), alice);
        assert_eq!(Login::parse("application/json", br#"{"role":"a b","sub":"alice"}"#), alice);
        assert_eq!(Login::parse("multipart/form-data", b"--"), Login { sub: "someone".to_owned(), role: None });
    }
}
