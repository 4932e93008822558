//! Fuzz targets for the parsers that read what strangers send. CONTRIBUTING.md says how to run them.

pub mod mutate;
pub mod seeds;
pub mod targets;
