//! Reading a posted password form, after the request has been checked.

use serde::de::DeserializeOwned;

use crate::adapter::Exchange;
use crate::error::JsonFlaw;
use crate::refusal::{Failure, Reason};

/// The form field that contains the user name. After a refused log-in, the page with the form shows the typed user name
/// again.
const USERNAME: &str = "username";

/// The value of the form field `username`, if the form has this field.
#[derive(Clone)]
pub struct TypedName(Option<String>);

impl TypedName {
    /// Adds the user name that was typed to the reason for a refused log-in, so that the page with the form can show
    /// the name again.
    pub fn add_to(&self, reason: Reason) -> Reason {
        match (reason, &self.0) {
            (Reason::LogInRefused(refusal), Some(typed)) if refusal.typed_username().is_none() => {
                Reason::LogInRefused(refusal.username(typed))
            }
            (reason, _) => reason,
        }
    }
}

impl Exchange<'_> {
    /// Reads a form that contains a password. Browsers send the form urlencoded, and API clients send it as JSON.
    /// Before the adapter reads the body, it must call [`require_pre_session`](Self::require_pre_session) or, for a
    /// re-authentication, verify the token.
    ///
    /// # Errors
    /// Returns an error if the body is neither a form nor JSON, or if it lacks a field of `T`.
    pub fn read_password_form<T: DeserializeOwned>(&self, body: &[u8]) -> Result<(T, TypedName), Failure> {
        self.typed_form(body).map_err(|flaw| self.refuse(Reason::InvalidForm(flaw)))
    }

    /// An error text can contain the name of a field, but never what the user typed.
    fn typed_form<T: DeserializeOwned>(&self, body: &[u8]) -> Result<(T, TypedName), String> {
        if self.sends_json() {
            let form = serde_json::from_slice(body).map_err(|error| json_flaw(body, &error))?;
            let member = serde_json::from_slice::<serde_json::Value>(body).ok();
            let username = member.and_then(|body| body.get(USERNAME)?.as_str().map(str::to_owned));
            return Ok((form, TypedName(username)));
        }
        let form = serde_urlencoded::from_bytes(body).map_err(|error| flaw(&error))?;
        let username = form_urlencoded::parse(body).find(|(name, _)| name == USERNAME);
        Ok((form, TypedName(username.map(|(_, typed)| typed.into_owned()))))
    }
}

/// The message for an error that does not concern a particular field.
const EXPECTED: &str = "The body must be a form or a JSON object with the fields of the log-in form.";

fn flaw(error: &impl ToString) -> String {
    // Report only these two kinds of serde errors. Other errors quote the input, which might be a password.
    let text = error.to_string();
    let named = |start: &str| text.strip_prefix(start)?.split_once('`').map(|(name, _)| name);
    match (named("missing field `"), named("duplicate field `")) {
        (Some(name), _) => format!("The field {name:?} is missing."),
        (_, Some(name)) => format!("The field {name:?} was sent more than once."),
        (None, None) => EXPECTED.to_owned(),
    }
}

fn json_flaw(body: &[u8], error: &serde_json::Error) -> String {
    match (flaw(error), JsonFlaw::of(body, error)) {
        (named, _) if named != EXPECTED => named,
        (general, JsonFlaw::WrongMember(None)) => general,
        (_, flaw) => flaw.to_string(),
    }
}
