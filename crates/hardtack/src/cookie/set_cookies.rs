//! The `Set-Cookie` fields of a response.

/// `Set-Cookie` values, in order. Add them to the response: without them a log-in is lost, or a log-out has no
/// effect.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "these cookies must be added to the response"]
pub struct SetCookies {
    values: Vec<String>,
}

impl SetCookies {
    pub(crate) fn push(&mut self, value: String) {
        self.values.push(value);
    }

    /// Appends the values of another set.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// Returns the values, one for each `Set-Cookie` field.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// Returns whether there are no cookies.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl IntoIterator for SetCookies {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

/// Shows the names only, because the values are credentials.
impl std::fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.iter().filter_map(|value| value.split('=').next())).finish()
    }
}
