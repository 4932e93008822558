//! The part of an account that the user can edit.

use super::{EmailAddress, User};

/// The message for an invalid email address.
pub(crate) const INVALID_EMAIL: &str = "Enter an address such as you@site.example, or leave the field empty.";

/// The fields that a user can edit on the account page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The name that pages show. It is at most 80 characters long.
    pub(crate) display_name: String,
    /// The email address. It is at most 254 bytes long.
    pub(crate) email: String,
}

/// The parts of a profile that a request changes. If a part is `None`, the stored value does not change.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileChange {
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
}

impl ProfileChange {
    /// Returns the user's profile with this change applied.
    pub(crate) fn apply_to(&self, user: &User) -> Profile {
        Profile {
            display_name: self.display_name.as_ref().unwrap_or(&user.display_name).clone(),
            email: self.email.as_ref().unwrap_or(&user.email).clone(),
        }
    }
}

/// An invalid field of the profile, and what to enter instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProfileProblem {
    pub(crate) field: &'static str,
    pub(crate) text: &'static str,
}

impl Profile {
    /// Trims both fields. Returns the trimmed profile, and a list of the fields that are not valid.
    pub(crate) fn validate(mut self) -> (Self, Vec<ProfileProblem>) {
        self.display_name = self.display_name.trim().to_owned();
        self.email = self.email.trim().to_owned();
        let mut problems = Vec::new();
        if self.display_name.chars().count() > 80 || self.display_name.chars().any(char::is_control) {
            let text = "Use at most 80 characters, without line breaks.";
            problems.push(ProfileProblem { field: "display_name", text });
        }
        if !self.email.is_empty() && EmailAddress::parse(&self.email).is_none() {
            problems.push(ProfileProblem { field: "email", text: INVALID_EMAIL });
        }
        (self, problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_names_its_field() {
        let fields = |display_name: &str, email: &str| {
            let profile = Profile { display_name: display_name.into(), email: email.into() };
            profile.validate().1.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("Alice", " a@b.example "), [""; 0]);
        assert_eq!(fields("", ""), [""; 0]);
        assert_eq!(fields(&"x".repeat(81), "nobody"), ["display_name", "email"]);
        for bad in ["@", "a@", "@b", "a@b@c", "a b@c", "a@b..c", "a@b.", "<a@b>", "-x@b"] {
            assert_eq!(fields("", bad), ["email"], "{bad}");
        }
    }
}
