//! Checks a JSON object's members against the members that a request body can have.
//!
//! 1. A member that the route does not accept is refused, so a misspelled member is never silently ignored.
//! 2. A member that appears twice is refused, because parsers disagree about which of the two values counts (RFC 8259
//!    §4).
//! 3. A member whose value has the wrong type is refused. A member of the type [`JsonType::StringOrNull`] may be
//!    `null`, which has the same effect as leaving the member out. This type is for members that the client can leave
//!    out and for which an empty string would mean something different.
//! 4. If required members are missing, the response names them.
//! 5. If the authenticator reads tokens from JSON bodies, every route accepts the members that contain the tokens. The
//!    authenticator has already checked them, so the route ignores them.
//!
//! The response contains the name of each refused member. It never contains a value from the body, because the value
//! might be a password.

use hardtack::error::JsonMembers;
use serde_json::Value;

/// The maximum number of members that one response reports.
const MAX_PROBLEMS: usize = 20;

/// The maximum length of a member's name in a response, in characters.
const MAX_NAME: usize = 64;

/// The type of a JSON member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonType {
    String,
    StringOrNull,
    Boolean,
}

/// A request body that an API client can send as a JSON object.
pub(crate) trait JsonBody {
    /// The members that the object may have.
    const MEMBERS: &'static [(&'static str, JsonType)];

    /// The members that the object must have.
    const REQUIRED: &'static [&'static str] = &[];

    /// Members that some requests can leave out, so that only the handler knows whether such a member is missing. If
    /// the object has a different problem, the response names these members as well, so that the client learns about
    /// all missing members at once.
    const MAYBE_REQUIRED: &'static [&'static str] = &[];
}

/// What is wrong with one member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MemberProblem {
    pub(super) name: String,
    /// A sentence that says what is wrong, and what to send instead.
    pub(super) text: String,
}

impl MemberProblem {
    pub(super) fn missing(name: &str) -> Self {
        Self { name: name.to_owned(), text: "This member is missing.".to_owned() }
    }
}

/// Returns the members as a JSON object, or a list of what is wrong with them. `tokens` contains the names of the members
/// that the authenticator reads as tokens.
pub(super) fn check<T: JsonBody>(sent: JsonMembers, tokens: &[&str]) -> Result<Value, Vec<MemberProblem>> {
    let JsonMembers(mut members) = sent;
    let is_token = |name: &str| tokens.contains(&name) && T::MEMBERS.iter().all(|(known, _)| *known != name);
    let mut problems: Vec<MemberProblem> = Vec::new();
    for (at, (name, value)) in members.iter().enumerate() {
        let is_repeated = members.iter().take(at).any(|(earlier, _)| earlier == name);
        let text = match T::MEMBERS.iter().find(|(known, _)| known == name) {
            _ if is_repeated => Some("Send this member only once.".to_owned()),
            None if is_token(name) => None,
            None => Some(format!("This request has no such member. {}", accepted(T::MEMBERS))),
            Some((_, wanted)) => wrong_type(*wanted, value),
        };
        let name: String = name.chars().take(MAX_NAME).collect();
        if let Some(text) = text
            && problems.iter().all(|problem| problem.name != name)
        {
            problems.push(MemberProblem { name, text });
        }
        if problems.len() == MAX_PROBLEMS {
            break;
        }
    }
    for (required, is_certain) in [(T::REQUIRED, true), (T::MAYBE_REQUIRED, false)] {
        if is_certain || !problems.is_empty() {
            let missing = required.iter().filter(|name| members.iter().all(|(sent, _)| sent != *name));
            let left = MAX_PROBLEMS.saturating_sub(problems.len());
            problems.extend(missing.map(|name| MemberProblem::missing(name)).take(left));
        }
    }
    members.retain(|(name, _)| !is_token(name));
    if problems.is_empty() { Ok(Value::Object(members.into_iter().collect())) } else { Err(problems) }
}

/// Returns a sentence that lists the allowed members.
fn accepted(allowed: &[(&str, JsonType)]) -> String {
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    match names.as_slice() {
        [] => "It accepts no members.".to_owned(),
        names => format!("It accepts: {}.", names.join(", ")),
    }
}

fn wrong_type(wanted: JsonType, value: &Value) -> Option<String> {
    let wanted = match (wanted, value) {
        (JsonType::String | JsonType::StringOrNull, Value::String(_))
        | (JsonType::StringOrNull, Value::Null)
        | (JsonType::Boolean, Value::Bool(_)) => return None,
        (JsonType::String | JsonType::StringOrNull, _) => "a string",
        (JsonType::Boolean, _) => "true or false",
    };
    Some(match value {
        Value::Null => format!("Send {wanted}, or leave the member out. The member cannot be null."),
        Value::Bool(_) => format!("Send {wanted}, not a boolean."),
        Value::Number(_) => format!("Send {wanted}, not a number."),
        Value::String(_) => format!("Send {wanted}, not a string."),
        Value::Array(_) => format!("Send {wanted}, not an array."),
        Value::Object(_) => format!("Send {wanted}, not an object."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Body;

    impl JsonBody for Body {
        const MEMBERS: &'static [(&'static str, JsonType)] =
            &[("username", JsonType::String), ("next", JsonType::StringOrNull), ("remember", JsonType::Boolean)];
        const REQUIRED: &'static [&'static str] = &["username"];
    }

    fn problems(json: &str) -> Vec<(String, String)> {
        let problems = check::<Body>(serde_json::from_str(json).unwrap(), &[]).err().unwrap_or_default();
        problems.into_iter().map(|problem| (problem.name, problem.text)).collect()
    }

    #[test]
    fn each_wrong_member_is_named() {
        assert_eq!(problems(r#"{"username": "ada", "remember": true}"#), []);
        assert_eq!(problems(r#"{"username": "ada", "next": null}"#), []);
        let missing = [("username".to_owned(), "This member is missing.".to_owned())];
        assert_eq!(problems("{}"), missing);
        assert_eq!(problems(r#"{"next": null}"#), missing);
        let found = problems(r#"{"usernam": "ada", "username": 1, "remember": "secret", "username": "x"}"#);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("usernam", "This request has no such member. It accepts: username, next, remember."),
                ("username", "Send a string, not a number."),
                ("remember", "Send true or false, not a string."),
            ]
        );
        assert_eq!(problems(r#"{"username": "a", "username": "a"}"#)[0].1, "Send this member only once.");
        let null = &problems(r#"{"username": null}"#)[0].1;
        assert_eq!(null, "Send a string, or leave the member out. The member cannot be null.");
    }

    #[test]
    fn tokens_are_accepted_and_left_out() {
        let checked = |json: &str| check::<Body>(serde_json::from_str(json).unwrap(), &["access_token", "username"]);
        let object = checked(r#"{"access_token": "a.b.c", "username": "ada"}"#).unwrap();
        assert_eq!(object, serde_json::json!({ "username": "ada" }));
        // If a route has a member with the name of a token, the member is not treated as a token.
        assert_eq!(checked(r#"{"username": 1}"#).unwrap_err()[0].text, "Send a string, not a number.");
        let twice = r#"{"access_token": "a", "access_token": "b", "username": "ada"}"#;
        assert_eq!(checked(twice).unwrap_err()[0].text, "Send this member only once.");
        assert_eq!(checked(r#"{"refresh_token": "a", "username": "ada"}"#).unwrap_err().len(), 1);
    }

    #[test]
    fn the_list_of_problems_is_short() {
        let many: Vec<String> = (0..500).map(|at| format!("\"{at}{}\": 1", "x".repeat(100))).collect();
        let found = problems(&format!("{{{}}}", many.join(",")));
        assert_eq!(found.len(), MAX_PROBLEMS);
        assert!(found.iter().all(|(name, _)| name.len() == MAX_NAME));
    }
}
