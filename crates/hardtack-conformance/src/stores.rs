//! One test for every store: a failing one is named by its module.

/// Makes a module for each store, with a test in it for each function: `on_redis::s28_…` calls `s28_…` with
/// the store. The functions take it and are async; one that is not in the list is dead code, and warned of.
///
/// The crate has to use `tokio` with its macros and multi-threaded runtime.
#[macro_export]
macro_rules! on_every_store {
    ([$($module:ident: $store:expr),+ $(,)?] $tests:tt) => {
        $($crate::on_every_store!(@one $module, $store, $tests);)+
    };
    (@one $module:ident, $store:expr, { $($test:ident),+ $(,)? }) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($store).await;
                }
            )+
        }
    };
}
