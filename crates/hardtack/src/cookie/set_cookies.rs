//! The `Set-Cookie` fields that a response owes its client.

/// Rendered `Set-Cookie` values, in order. They must reach the response: dropping them loses a
/// log-in or, worse, a log-out.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "these cookies have to be added to the response"]
pub struct SetCookies {
    values: Vec<String>,
}

impl SetCookies {
    pub(crate) fn push(&mut self, value: String) {
        self.values.push(value);
    }

    /// Adds another set behind this one.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// The field values, one for each `Set-Cookie`.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// Whether there is nothing to set.
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

/// Names only: the values are credentials.
impl std::fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.iter().filter_map(|value| value.split('=').next())).finish()
    }
}
