//! Compiles and runs the code in pages outside the published crates. This is done in an unpublished crate, because a
//! published crate cannot `include_str!` a file outside of its own directory.

#[doc = include_str!("../../../README.md")]
struct Readme;

#[doc = include_str!("../../hardtack/guide/adapters.md")]
struct Adapters;

#[doc = include_str!("../../hardtack/guide/streams.md")]
struct Streams;

#[doc = include_str!("../../hardtack/guide/throttling.md")]
struct Throttling;

#[doc = include_str!("../../../docs/coming-from-flask.md")]
struct ComingFromFlask;

#[doc = include_str!("../../../docs/options.md")]
struct Options;
