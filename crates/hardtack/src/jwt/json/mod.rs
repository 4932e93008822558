//! JSON for tokens: a strict reader, the building blocks of a fast reader, and a writer.

pub(super) mod cursor;
mod scan;
pub(super) mod unique_members;
pub(super) mod write;

#[cfg(test)]
pub(super) use scan::unescaped_length;
