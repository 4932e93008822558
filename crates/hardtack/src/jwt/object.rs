//! One JSON object, written member by member without white space.

use serde::Serialize;

use super::plain::plain_length;
use crate::clock::Timestamp;

/// The object so far. What needs escapes goes through serde_json; the rest is copied.
pub(super) struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(512))
    }

    /// A value that is JSON already, under a name that needs no escapes.
    pub(super) fn literal(&mut self, name: &str, value: &str) {
        self.plain_name(name);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(super) fn time(&mut self, name: &str, time: Timestamp) {
        self.literal(name, itoa::Buffer::new().format(time.unix_seconds()));
    }

    /// A string, under a name that needs no escapes.
    pub(super) fn string(&mut self, name: &str, value: &str) -> Result<(), serde_json::Error> {
        self.plain_name(name);
        if plain_length(value.as_bytes()) == value.len() {
            self.0.push(b'"');
            self.0.extend_from_slice(value.as_bytes());
            self.0.push(b'"');
            return Ok(());
        }
        serde_json::to_writer(&mut self.0, value)
    }

    /// 32 hexadecimal digits, lower case.
    pub(super) fn hexadecimal(&mut self, name: &str, number: u128) {
        self.plain_name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(&crate::session::SessionId::from_u128(number).digits());
        self.0.push(b'"');
    }

    /// Any name and value.
    pub(super) fn value<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), serde_json::Error> {
        self.next_member();
        serde_json::to_writer(&mut self.0, name)?;
        self.0.push(b':');
        serde_json::to_writer(&mut self.0, value)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    fn plain_name(&mut self, name: &str) {
        self.next_member();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn next_member(&mut self) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
    }
}
