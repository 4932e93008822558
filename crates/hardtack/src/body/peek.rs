//! Reads the beginning of a body, whatever its media type, before the handler runs.

use std::time::Duration;

use super::limit::BodyPermit;
use super::{FormPeek, FormToken, FormTokens, JsonPeek, JsonTokens};
use crate::jwt::TokenKind;

/// Reads the beginning of a body before the handler runs, and keeps what it reads in one buffer.
///
/// An adapter gets a `BodyPeek` from [`Exchange::body_peek`](crate::adapter::Exchange::body_peek). The adapter passes
/// the body's chunks to [`push`](Self::push) until `push` returns `false` or the body ends, and then passes the same
/// bytes on to the handler.
#[derive(Debug)]
pub struct BodyPeek {
    reader: Reader,
    timeout: Duration,
    _permit: BodyPermit,
}

#[derive(Debug)]
pub(crate) enum Reader {
    /// A form, which is read up to its CSRF field.
    Form(FormPeek),
    /// A JSON body, which is read to the end.
    Json(JsonPeek),
}

impl BodyPeek {
    pub(crate) fn new(reader: Reader, timeout: Duration, permit: BodyPermit) -> Self {
        Self { reader, timeout, _permit: permit }
    }

    /// Returns how long to wait for the body to end or for [`push`](Self::push) to return `false`. If neither happens
    /// within that time, refuse the request with [`Reason::BodyTooSlow`](crate::refusal::Reason::BodyTooSlow).
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Reads the next chunk and returns whether more chunks are needed. After `true`, the reader has kept the chunk,
    /// and [`finish`](Self::finish) returns it. After `false`, the reader has not kept the chunk, so the caller must
    /// pass it on to the handler.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        match &mut self.reader {
            Reader::Form(form) => form.push(chunk),
            Reader::Json(json) => json.push(chunk),
        }
    }

    /// Returns what was found in the body, and the chunks that were kept. Call this method when the body has ended or
    /// [`push`](Self::push) has returned `false`.
    pub fn finish(self) -> (Peeked, Vec<u8>) {
        match self.reader {
            Reader::Form(form) => {
                let (tokens, chunks) = form.finish();
                (Peeked(Content::Form(tokens)), chunks)
            }
            Reader::Json(json) => {
                let (tokens, chunks) = json.finish();
                (Peeked(Content::Json(tokens)), chunks)
            }
        }
    }
}

/// What a [`BodyPeek`] found: the CSRF field of a form, or the tokens in a JSON body.
///
/// The default value of this type means that the body was not read.
#[derive(Clone, Debug, Default)]
pub struct Peeked(Content);

#[derive(Clone, Debug, Default)]
enum Content {
    #[default]
    Unread,
    Form(FormTokens),
    Json(JsonTokens),
}

/// The result if a body was not read as a form.
static UNREAD: FormToken = FormToken::Unread;

impl Peeked {
    pub(crate) const fn is_unread(&self) -> bool {
        matches!(self.0, Content::Unread)
    }

    pub(crate) const fn form_token(&self, kind: TokenKind) -> &FormToken {
        match &self.0 {
            Content::Form(tokens) => tokens.of(kind),
            Content::Unread | Content::Json(_) => &UNREAD,
        }
    }

    pub(crate) const fn json(&self) -> Option<&JsonTokens> {
        match &self.0 {
            Content::Json(tokens) => Some(tokens),
            Content::Unread | Content::Form(_) => None,
        }
    }
}
