//! What someone may change about themselves.

use super::EmailAddress;

/// The settings of the account page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What pages call them; at most 80 characters.
    pub display_name: String,
    /// Where they can be reached; at most 254 characters.
    pub email: String,
}

/// Why settings are refused: the field, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SettingsProblem {
    pub(crate) field: &'static str,
    pub(crate) text: &'static str,
}

impl Settings {
    /// Trims both, and says what is wrong with either.
    pub(crate) fn validate(mut self) -> (Self, Vec<SettingsProblem>) {
        self.display_name = self.display_name.trim().to_owned();
        self.email = self.email.trim().to_owned();
        let mut problems = Vec::new();
        if self.display_name.chars().count() > 80 || self.display_name.chars().any(char::is_control) {
            let text = "Use at most 80 characters, without line breaks.";
            problems.push(SettingsProblem { field: "display_name", text });
        }
        if !self.email.is_empty() && EmailAddress::parse(&self.email).is_none() {
            let text = "Write an address such as you@site.example, or leave it empty.";
            problems.push(SettingsProblem { field: "email", text });
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
            let settings = Settings { display_name: display_name.into(), email: email.into() };
            settings.validate().1.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("Alice", " a@b.example "), [""; 0]);
        assert_eq!(fields("", ""), [""; 0]);
        assert_eq!(fields(&"x".repeat(81), "nobody"), ["display_name", "email"]);
        for bad in ["@", "a@", "@b", "a@b@c", "a b@c", "a@b..c", "a@b.", "<a@b>", "-x@b"] {
            assert_eq!(fields("", bad), ["email"], "{bad}");
        }
    }
}
