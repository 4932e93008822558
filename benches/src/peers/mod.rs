//! Other people's crates, each as its own documentation has it used.

pub(crate) mod by_hand;
