//! Passwords: the rules for choosing one, and how they are hashed.

mod argon2id;
mod hasher;
mod rules;

pub(crate) use hasher::{HashError, Hasher, Verdict};
pub(crate) use rules::{PasswordProblem, validate_password};
