//! Compiles and runs the code in pages outside the published crates. It stands here because `include_str!` of a file
//! outside a crate's own directory breaks its package.

#[doc = include_str!("../../../README.md")]
struct Readme;

#[doc = include_str!("../../hardtack/guide/adapters.md")]
struct Adapters;

#[doc = include_str!("../../../docs/coming-from-flask.md")]
struct ComingFromFlask;

#[doc = include_str!("../../../docs/options.md")]
struct Options;
