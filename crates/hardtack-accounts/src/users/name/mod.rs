//! User names: what a new name may contain, and how names are compared (RFC 8265, UTS #39).

mod fold;
mod problem;
mod rules;

pub(crate) use fold::{Looks, NameKeys, name_rules, username_key};
pub use problem::UserNameProblem;
pub use rules::NameRules;
pub(crate) use rules::NewName;

#[cfg(test)]
mod tests;
