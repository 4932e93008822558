//! Passwords: the rules for new passwords, and how passwords are hashed.

mod argon2id;
mod context;
mod hasher;
mod patterns;
mod problem;
mod rules;
mod table;
mod typed;
mod user_slots;

pub(crate) use hasher::{HashError, Hasher, Verdict};
pub use problem::PasswordProblem;
pub use rules::PasswordRules;
pub use table::{PasswordTable, PasswordTableError, TableSummary};
pub(crate) use typed::TypedPassword;
pub(crate) use user_slots::{UserSlot, UserSlots};
