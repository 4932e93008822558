//! JSON as tokens need it: a strict reader, the pieces of a fast one, and a writer.

pub(super) mod cursor;
pub(super) mod read;
mod scan;
pub(super) mod write;

#[cfg(test)]
pub(super) use scan::unescaped_length;
