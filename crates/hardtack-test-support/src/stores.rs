//! Runs the same tests on several stores.

/// For each store, generates a module with one test for each function in the list. For example, `on_redis::s28_…` calls
/// `s28_…` with the Redis store.
///
/// The functions are async and take the store as their argument. If you leave a function out of the list, the compiler
/// reports it as dead code. The calling crate needs `tokio` with its macros and the multi-threaded runtime.
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
