//! Writes one JSON object, member by member, without whitespace.

use serde::Serialize;

use super::scan::unescaped_length;
use crate::jwt::hex;

/// The JSON text that has been written so far. Strings that need no escapes are copied; serde_json writes the others.
pub(in crate::jwt) struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    pub(in crate::jwt) fn new() -> Self {
        Self(Vec::with_capacity(512))
    }

    /// Writes a value that is already JSON text. The member's name must not contain characters that need escapes.
    pub(in crate::jwt) fn literal(&mut self, name: &str, value: &str) {
        self.unescaped_name(name);
        self.0.extend_from_slice(value.as_bytes());
    }

    /// Writes a string. The member's name must not contain characters that need escapes.
    pub(in crate::jwt) fn string(&mut self, name: &str, value: &str) -> Result<(), serde_json::Error> {
        self.unescaped_name(name);
        if unescaped_length(value.as_bytes()) == value.len() {
            self.0.push(b'"');
            self.0.extend_from_slice(value.as_bytes());
            self.0.push(b'"');
            return Ok(());
        }
        serde_json::to_writer(&mut self.0, value)
    }

    /// Writes a number as a string of 32 lower-case hexadecimal digits. The member's name must not contain characters
    /// that need escapes.
    pub(in crate::jwt) fn hexadecimal(&mut self, name: &str, number: u128) {
        self.unescaped_name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(&hex::encode(number));
        self.0.push(b'"');
    }

    /// Writes a value of any type. The member's name may contain any characters.
    pub(in crate::jwt) fn value<V: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &V,
    ) -> Result<(), serde_json::Error> {
        self.next_member();
        serde_json::to_writer(&mut self.0, name)?;
        self.0.push(b':');
        serde_json::to_writer(&mut self.0, value)
    }

    /// Returns the complete object.
    pub(in crate::jwt) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    fn unescaped_name(&mut self, name: &str) {
        self.next_member();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn next_member(&mut self) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
    }
}
