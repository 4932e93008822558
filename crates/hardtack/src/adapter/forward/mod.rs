//! Methods that the `Auth` types of all adapters share.

mod password_forms;
mod requests;
mod sessions;

/// Generates the methods that an adapter's `Auth` forwards to [`Exchange`](crate::adapter::Exchange), and documents
/// them. Invoke this macro in the `impl` block of a type that has a method `fn exchange(&self) -> Exchange<'_>`.
///
/// ```ignore
/// impl Auth {
///     hardtack::__forward_auth! {
///         crate: "hardtack_axum",
///         error: AuthError,
///         cookies: SetCookies,
///         response: Response = reply_response,
///         sleep: tokio::time::sleep,
///     }
/// }
/// ```
///
/// - `crate`: the name of the adapter's crate, which the documentation's examples use.
/// - `error`: a type that implements `From<Failure>`.
/// - `cookies`: a type that implements `From<hardtack::SetCookies>` and that handlers can add to a response.
/// - `sleep`: the sleep function of the framework's runtime.
/// - `response`: the framework's response type, and a function that converts a [`Reply`](crate::Reply) into it.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward_auth {
    (
        crate: $adapter:literal,
        error: $error:ty,
        cookies: $cookies:ty,
        response: $response:ty = $into_response:path,
        sleep: $sleep:path $(,)?
    ) => {
        $crate::__forward_sessions! { error: $error, cookies: $cookies, response: $response = $into_response }
        $crate::__forward_password_forms! { error: $error, cookies: $cookies, response: $response = $into_response }
        $crate::__forward_requests! { crate: $adapter, error: $error, sleep: $sleep }
    };
}
