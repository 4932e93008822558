//! Reads HTTP responses from a stream.

use std::io::{ErrorKind, Read};

use crate::Failed;

/// Reads the responses of one connection, in order.
pub(crate) struct Answers {
    buffer: Vec<u8>,
    /// The number of bytes in the buffer.
    filled: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self { buffer: vec![0; 16 * 1024], filled: 0 }
    }
}

/// The parts of a response that callers need.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The cookies that the response sets, as `name=value`.
    pub(crate) cookies: Vec<String>,
}

impl Answers {
    /// Returns the status of the next response, or `None` if it is not complete yet.
    pub(super) fn next_status(&mut self, stream: &mut impl Read) -> Result<Option<u16>, Failed> {
        self.read(stream, |response| response.code.unwrap_or(0))
    }

    /// Returns the next response, or `None` if it is not complete yet.
    pub(super) fn next(&mut self, stream: &mut impl Read) -> Result<Option<Answer>, Failed> {
        self.read(stream, |response| {
            let set = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("set-cookie"));
            let pair = |value: &[u8]| String::from_utf8_lossy(value).split(';').next().unwrap_or_default().to_owned();
            Answer { status: response.code.unwrap_or(0), cookies: set.map(|field| pair(field.value)).collect() }
        })
    }

    /// Reads until the response is complete or the stream has no more data.
    fn read<T>(
        &mut self,
        stream: &mut impl Read,
        look: impl Fn(&httparse::Response<'_, '_>) -> T,
    ) -> Result<Option<T>, Failed> {
        loop {
            let read = match stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => return Err("the server closed a connection, or sent a response of more than 16 KiB".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // If the stream does not block, it has no more data yet. If it blocks, it has reached its timeout.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            self.filled += read;
            let bytes = self.buffer.get(..self.filled).unwrap_or_default();
            let mut fields = [httparse::EMPTY_HEADER; 32];
            let mut response = httparse::Response::new(&mut fields);
            let httparse::Status::Complete(head) = response.parse(bytes)? else { continue };
            if self.filled < head + length(&response)? {
                continue;
            }
            let seen = look(&response);
            // The next request has not been sent, so no bytes can follow this response.
            self.filled = 0;
            return Ok(Some(seen));
        }
    }
}

fn length(response: &httparse::Response<'_, '_>) -> Result<usize, Failed> {
    let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    match field {
        Some(field) => Ok(std::str::from_utf8(field.value)?.trim().parse()?),
        None if response.code == Some(204) => Ok(0),
        None => Err("a response has no Content-Length".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that returns a few bytes per read.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let take = self.0.len().min(7).min(into.len());
            into[..take].copy_from_slice(&self.0[..take]);
            self.0 = &self.0[take..];
            Ok(take)
        }
    }

    #[test]
    fn an_answer_in_pieces_is_read_to_its_end() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b; Path=/\r\nset-cookie: c=d\r\n\r\nhello";
        let answer = Answers::default().next(&mut Dribble(text)).unwrap();
        assert_eq!(answer, Some(Answer { status: 200, cookies: vec!["a=b".into(), "c=d".into()] }));
    }

    #[test]
    fn half_an_answer_is_none() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
        assert!(Answers::default().next_status(&mut Dribble(text)).is_err());
    }
}
