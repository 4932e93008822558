//! The beginning of a body, read ahead of the handler: a form's CSRF field, or a token in JSON.

use crate::csrf::{FormPeek, FormToken, FormTokens};
use crate::jwt::TokenKind;
use crate::location::{JsonPeek, JsonTokens};

/// A body in the making: fed with its chunks until no more is wanted.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyPeek {
    /// A form, read up to its CSRF field.
    Form(FormPeek),
    /// JSON, read to its end.
    Json(JsonPeek),
}

impl BodyPeek {
    /// Takes the next chunk; answers whether more is wanted. The chunk stays the caller's, to be handed on.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        match self {
            Self::Form(form) => form.push(chunk),
            Self::Json(json) => json.push(chunk),
        }
    }

    /// The verdict, once the body has ended or [`Self::push`] wanted no more.
    pub fn finish(self) -> Peeked {
        match self {
            Self::Form(form) => Peeked::Form(form.finish()),
            Self::Json(json) => Peeked::Json(json.finish()),
        }
    }
}

/// What reading ahead found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Peeked {
    /// The body was not looked at.
    #[default]
    Nothing,
    /// A form.
    Form(FormTokens),
    /// JSON.
    Json(JsonTokens),
}

/// What an unread body has.
static UNREAD: FormToken = FormToken::Unread;

impl Peeked {
    pub(crate) const fn form_token(&self, kind: TokenKind) -> &FormToken {
        match self {
            Self::Form(tokens) => tokens.of(kind),
            _ => &UNREAD,
        }
    }

    pub(crate) const fn json(&self) -> Option<&JsonTokens> {
        match self {
            Self::Json(tokens) => Some(tokens),
            _ => None,
        }
    }
}

impl From<FormToken> for Peeked {
    fn from(token: FormToken) -> Self {
        Self::Form(token.into())
    }
}
