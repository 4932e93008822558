//! Request extensions with room for the layer's state.
//!
//! axum adds up to three extensions of its own to a request (its URI, route and parameters). A table of extensions that
//! starts empty and grows to four is allocated twice. Starting with a table of the final size saves one of three
//! allocations per request (see "allocations" in `docs/performance.md`; `tests/http/allocations.rs` checks it).

use std::sync::LazyLock;

use http::Extensions;

/// An empty table with room for four extensions.
static WITH_ROOM: LazyLock<Extensions> = LazyLock::new(|| {
    #[derive(Clone)]
    struct Place<const N: usize>;
    let mut extensions = Extensions::new();
    extensions.insert(Place::<0>);
    extensions.insert(Place::<1>);
    extensions.insert(Place::<2>);
    extensions.insert(Place::<3>);
    extensions.clear();
    extensions
});

/// Gives an empty table room for the layer's state and for what axum adds.
pub(crate) fn reserve(extensions: &mut Extensions) {
    if extensions.is_empty() {
        extensions.clone_from(&WITH_ROOM);
    }
}
