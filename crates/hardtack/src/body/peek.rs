//! Reading the beginning of a body of any media type before the handler runs.

use super::{FormPeek, FormToken, FormTokens, JsonPeek, JsonTokens};
use crate::jwt::TokenKind;

/// A body that is being read before the handler runs.
///
/// An adapter gets one from [`Authenticator::body_peek`](crate::Authenticator::body_peek), passes it the body's chunks
/// until [`push`](Self::push) returns `false` or the body ends, and then passes the same chunks on to the handler.
#[derive(Debug)]
pub struct BodyPeek(Reader);

#[derive(Debug)]
enum Reader {
    /// A form, read up to its CSRF field.
    Form(FormPeek),
    /// JSON, read to its end.
    Json(JsonPeek),
}

impl BodyPeek {
    pub(crate) fn form(form: FormPeek) -> Self {
        Self(Reader::Form(form))
    }

    pub(crate) fn json(json: JsonPeek) -> Self {
        Self(Reader::Json(json))
    }

    /// Reads the next chunk and returns whether more are needed. The caller keeps the chunk and passes it on to
    /// the handler.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        match &mut self.0 {
            Reader::Form(form) => form.push(chunk),
            Reader::Json(json) => json.push(chunk),
        }
    }

    /// Returns what the body contains. Call it when the body has ended or [`push`](Self::push) returned `false`.
    pub fn finish(self) -> Peeked {
        match self.0 {
            Reader::Form(form) => Peeked(Content::Form(form.finish())),
            Reader::Json(json) => Peeked(Content::Json(json.finish())),
        }
    }
}

/// What a [`BodyPeek`] found: the CSRF field of a form, or the tokens in a JSON body.
///
/// The default value means that the body was not read.
#[derive(Clone, Debug, Default)]
pub struct Peeked(Content);

#[derive(Clone, Debug, Default)]
enum Content {
    #[default]
    Unread,
    Form(FormTokens),
    Json(JsonTokens),
}

/// The result for a body that was not read as a form.
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
