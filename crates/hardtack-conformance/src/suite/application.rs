//! The parts of the suite's application that are no framework's; each framework writes the rest once.
//!
#![doc = include_str!("../../../../docs/another-framework.md")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hardtack::BackendError;
use hardtack::request::Wants;
use hardtack::{FindUser, LogIn};
use serde::Deserialize;
use serde_json::Value;

use super::told::SECRET;

/// The application's state: how often its handlers have run.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<AtomicU64>);

impl Calls {
    /// Adds one, and answers how many there are now.
    pub fn count(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The application's user: everyone but `ghost` is known, and the look-up of `broken` fails.
#[derive(Clone, Debug)]
pub struct User {
    /// `The user alice`, for alice.
    pub name: String,
}

impl FindUser for User {
    type State = Calls;

    async fn find_user(subject: &str, _: &Calls) -> Result<Option<Self>, BackendError> {
        match subject {
            "broken" => Err(BackendError::new(SECRET)),
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

    /// What the authenticator is told.
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

#[cfg(test)]
mod tests {
    use super::Login;

    #[test]
    fn a_login_of_either_kind() {
        let alice = Login { sub: "alice".to_owned(), role: Some("a b".to_owned()) };
        assert_eq!(Login::read("application/x-www-form-urlencoded", b"csrf_token=x&sub=alice&role=a+b"), alice);
        assert_eq!(Login::read("application/json", br#"{"role":"a b","sub":"alice"}"#), alice);
        assert_eq!(Login::read("multipart/form-data", b"--"), Login { sub: "someone".to_owned(), role: None });
    }
}
