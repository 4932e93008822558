//! What the locations are called.

use crate::config::ConfigError;
use crate::request::is_token;

/// Names and forms of a token in header fields, queries and JSON bodies.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// As it is written in replies.
    pub(crate) header_name: String,
    /// As header fields are looked up.
    pub(crate) header_lower: String,
    /// The word before the token; empty for none.
    pub(crate) header_type: String,
    pub(crate) query_name: String,
    pub(crate) query_prefix: String,
    pub(crate) json_key: String,
    pub(crate) refresh_json_key: String,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            header_name: "Authorization".into(),
            header_lower: "authorization".into(),
            header_type: "Bearer".into(),
            query_name: "jwt".into(),
            query_prefix: String::new(),
            json_key: "access_token".into(),
            refresh_json_key: "refresh_token".into(),
        }
    }
}

impl Places {
    pub(crate) fn check(&mut self) -> Result<(), ConfigError> {
        self.header_lower = self.header_name.to_ascii_lowercase();
        let bad = |what, name: &str| Err(ConfigError::BadTokenPlace { what, name: name.to_owned() });
        if !is_token(&self.header_name) {
            return bad("header's name", &self.header_name);
        }
        if !self.header_type.is_empty() && !is_token(&self.header_type) {
            return bad("header's type", &self.header_type);
        }
        let named = [
            ("query parameter", &self.query_name),
            ("JSON member", &self.json_key),
            ("JSON member", &self.refresh_json_key),
        ];
        match named.into_iter().find(|(_, name)| name.is_empty()) {
            Some((what, name)) => bad(what, name),
            None => Ok(()),
        }
    }
}
