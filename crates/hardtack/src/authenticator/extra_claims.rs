//! The application's own claims, collected one by one or from a struct.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::token::IssueError;

/// Collects the application's claims. The methods that add claims do not return errors, so their calls can be chained.
/// [`Self::into_map`] returns the first error.
#[derive(Debug)]
pub(super) struct ClaimMap(Result<Map<String, Value>, IssueError>);

impl Default for ClaimMap {
    fn default() -> Self {
        Self(Ok(Map::new()))
    }
}

impl From<Map<String, Value>> for ClaimMap {
    fn from(claims: Map<String, Value>) -> Self {
        Self(Ok(claims))
    }
}

impl ClaimMap {
    pub(super) fn set(&mut self, name: String, value: Value) {
        if let Ok(claims) = &mut self.0 {
            claims.insert(name, value);
        }
    }

    pub(super) fn set_all(&mut self, more: &impl Serialize) {
        match (&mut self.0, serde_json::to_value(more)) {
            (Ok(claims), Ok(Value::Object(more))) => claims.extend(more),
            (Ok(_), _) => self.0 = Err(IssueError::NotAnObject),
            (Err(_), _) => {}
        }
    }

    pub(super) fn into_map(self) -> Result<Map<String, Value>, IssueError> {
        self.0
    }
}
