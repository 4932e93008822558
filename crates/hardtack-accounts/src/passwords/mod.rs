//! Passwords: what they may be, and how they are hashed.

mod argon2id;
mod hasher;
mod rules;

pub(crate) use hasher::{HashError, Hasher, Verdict};
pub use rules::PasswordProblem;
pub(crate) use rules::validate;
