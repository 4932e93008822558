//! The methods of an adapter's `TestRequest`, written once for all adapters.

/// Generates the methods that an adapter's `TestRequest` forwards to [`TestRequest`](crate::testing::TestRequest).
/// Invoke the macro in an `impl` block of a tuple struct that wraps a core `TestRequest`.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward_test_request {
    () => {
        /// Sets a header field. Replaces all values that the field already has.
        pub fn header(self, name: &str, value: impl ::core::convert::AsRef<[u8]>) -> Self {
            Self(self.0.header(name, value))
        }

        /// Removes all values of a header field, for example to test that a route checks the field.
        pub fn without_header(self, name: &str) -> Self {
            Self(self.0.without_header(name))
        }

        /// Sets a URL-encoded body, as a browser does when it submits a form.
        pub fn form<I, K, V>(self, fields: I) -> Self
        where
            I: ::core::iter::IntoIterator<Item: ::core::borrow::Borrow<(K, V)>>,
            K: ::core::convert::AsRef<str>,
            V: ::core::convert::AsRef<str>,
        {
            Self(self.0.form(fields))
        }

        /// Sets a JSON body.
        ///
        /// # Panics
        /// Panics if the value cannot be serialized, for example because the key of a map is not text.
        pub fn json(self, value: &(impl ::serde::Serialize + ?::core::marker::Sized)) -> Self {
            Self(self.0.json(value))
        }

        /// Sets the body to these bytes. To set its content type, call [`header`](Self::header).
        pub fn body(self, body: impl ::core::convert::Into<::std::vec::Vec<u8>>) -> Self {
            Self(self.0.body(body))
        }
    };
}
