//! An HTTP/1.1 client for black-box tests, with a browser's cookie jar.
//!
//! ```no_run
//! use hardtack_conformance::Client;
//!
//! # async fn test() {
//! let mut client = Client::new("http://127.0.0.1:8080").at_origin("https://site.example");
//! let response = client.post("/login").form(&[("username", "alice"), ("password", "secret")]).send().await;
//! assert_eq!(response.status(), 200);
//! assert!(response.set_cookie("__Host-access_token_cookie").is_some());
//! // From now on, the client sends these cookies; `csrf` adds the double-submit value.
//! assert_eq!(client.post("/settings").csrf().send().await.status(), 200);
//! # }
//! ```
//!
//! Most functions panic with a message if something goes wrong, so that the test fails. For example,
//! [`Request::send`] panics if the server does not respond, and [`Response::json`] panics if the body is not JSON.

pub use crate::response::Response;

use bytes::Bytes;
use hardtack::testing::{CookieJar, StoredCookie};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// How long to wait for one response.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How many redirects [`Request::follow`] follows before it panics.
const MOST_HOPS: usize = 10;
const BROWSER_ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
/// The cookies that can hold the double-submit value. If the client has both, it uses the first one.
const CSRF_COOKIES: [&str; 2] = ["__Host-csrf_access_token", "csrf_access_token"];

/// The address of a server: a socket address, or a URL such as `http://127.0.0.1:8080`.
pub trait IntoBase {
    /// Converts the address to a URL. Only the URL's host and port are used.
    ///
    /// # Panics
    /// If the address is not an `http` URL with a host.
    fn into_base(self) -> Url;
}

impl IntoBase for SocketAddr {
    fn into_base(self) -> Url {
        format!("http://{self}").into_base()
    }
}

impl IntoBase for &str {
    fn into_base(self) -> Url {
        let url = Url::parse(self).unwrap_or_else(|error| panic!("{self:?} is not a URL: {error}"));
        assert!(url.scheme() == "http" && url.host().is_some(), "expected http://HOST:PORT, not {self:?}");
        url
    }
}

impl IntoBase for &String {
    fn into_base(self) -> Url {
        self.as_str().into_base()
    }
}

impl IntoBase for String {
    fn into_base(self) -> Url {
        self.as_str().into_base()
    }
}

/// A client that looks like a browser to the server. A clone has its own copy of the cookies. In a test, a clone can
/// represent a thief who has copied the cookies, or another tab that sends a request at the same time.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    /// The site's public origin, such as `https://site.example`. The client sends the origin's host in `Host`, and
    /// follows redirects to the origin. By default, the origin is the same as `base`.
    origin: Url,
    jar: CookieJar,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// Creates a client for the server at `base`, with an empty cookie jar.
    pub fn new(base: impl IntoBase) -> Self {
        let base = base.into_base();
        Self {
            origin: base.clone(),
            base,
            jar: CookieJar::new(),
            pool: Pool::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Behaves as if the client reached the server through a TLS proxy at `origin`, such as `https://site.example`. The
    /// client sends the origin's `Host` and follows redirects to the origin. If the origin is https, the client sends
    /// `Secure` cookies even though the connection is not encrypted.
    ///
    /// # Panics
    /// If `origin` is not a URL.
    #[must_use]
    pub fn at_origin(mut self, origin: &str) -> Self {
        self.origin = Url::parse(origin).unwrap_or_else(|error| panic!("{origin:?} is not an origin: {error}"));
        self
    }

    /// Also sends `Secure` cookies over the unencrypted connection, as if there were a TLS proxy. By default, a
    /// `Secure` cookie is stored but not sent.
    #[must_use]
    pub fn send_secure_cookies(mut self) -> Self {
        self.origin.set_scheme("https").expect("http and https are both special schemes");
        // Make the port explicit, because the default port depends on the scheme.
        let _ = self.origin.set_port(self.base.port_or_known_default());
        self
    }

    /// Sends all later requests to the server at `base`, with the same cookies. A browser would do the same, because a
    /// host's ports share cookies (RFC 6265 §8.5).
    pub fn turn_to(&mut self, base: impl IntoBase) -> &mut Self {
        self.base = base.into_base();
        self.origin = self.base.clone();
        self
    }

    /// Returns the `Origin` value that a browser would send.
    pub fn origin(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    /// Creates a GET request.
    pub fn get(&mut self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// Creates a POST request.
    pub fn post(&mut self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// Creates a request with any method. `path` must start with a slash, may have a query, and is sent as is.
    ///
    /// # Panics
    /// If `path` does not start with a slash. (If `path` contains characters that browsers escape, such as spaces or
    /// angle brackets, the panic occurs only when the request is sent.)
    pub fn request(&mut self, method: Method, path: &str) -> Request<'_> {
        assert!(path.starts_with('/'), "the path {path:?} does not start with a slash");
        Request {
            client: self,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            raw_cookies: Vec::new(),
            with_jar: true,
            body: Bytes::new(),
        }
    }

    /// Returns the unexpired cookie with this name. If there are several, returns the one with the longest path.
    pub fn cookie(&self, name: &str) -> Option<&StoredCookie> {
        self.jar.get(name)
    }

    /// Returns all cookies that have not expired, oldest first.
    pub fn cookies(&self) -> Vec<&StoredCookie> {
        self.jar.cookies()
    }

    /// Applies the value of a `Set-Cookie` field, as if the server had sent the field in response to a request for `/`.
    pub fn set_cookie_raw(&mut self, set_cookie: &str) {
        self.jar.store(set_cookie, "/");
    }

    /// Applies the cookies from a response that another client received, as if that client were another tab in this
    /// browser.
    pub fn take_cookies(&mut self, response: &Response) {
        for raw in response.raw_set_cookies() {
            self.jar.store(&raw, &response.path);
        }
    }

    /// Removes all cookies.
    pub fn clear(&mut self) {
        self.jar.clear();
    }

    /// Returns the cookie jar.
    pub fn jar(&mut self) -> &mut CookieJar {
        &mut self.jar
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", authority(&self.base))
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A request that has not been sent yet. See [`Client::request`].
#[derive(Debug)]
#[must_use = "a request is not sent until you call `send` or `follow`"]
pub struct Request<'a> {
    client: &'a mut Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    raw_cookies: Vec<HeaderValue>,
    with_jar: bool,
    body: Bytes,
}

impl Request<'_> {
    /// Sets a header and replaces its previous values. The value may contain non-ASCII bytes.
    ///
    /// # Panics
    /// If `name` is not a valid header name, or if `value` is not a valid header value.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.insert(header_name(name), header_value(value.as_ref()));
        self
    }

    /// Adds a value to a header, and keeps the header's previous values.
    ///
    /// # Panics
    /// If `name` is not a valid header name, or if `value` is not a valid header value.
    pub fn add_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.append(header_name(name), header_value(value.as_ref()));
        self
    }

    /// Sets a urlencoded body.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, fields: &[(K, V)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sets a JSON body.
    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// Sets a `multipart/form-data` body.
    pub fn multipart<K: AsRef<str>, V: AsRef<str>>(self, fields: &[(K, V)]) -> Self {
        const BOUNDARY: &str = "----HardtackFormBoundary7MA4YWxkTrZu0gW";
        let mut body = String::new();
        for (name, value) in fields {
            // These three characters are escaped in a name (HTML §4.10.21.8).
            let name = name.as_ref().replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
            let value = value.as_ref();
            body += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += &format!("--{BOUNDARY}--\r\n");
        self.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
    }

    /// Sets the body to these bytes. To set the body's content type, call [`header`](Self::header).
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the headers that a browser sends when it navigates within the site.
    pub fn accept_html(self) -> Self {
        self.header("accept", BROWSER_ACCEPT)
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    /// Sets an API client's `Accept` header.
    pub fn accept_json(mut self) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self
    }

    /// Sends the cookie jar's CSRF value in the `X-CSRF-TOKEN` header, as a script on a page does (double submit).
    ///
    /// # Panics
    /// If the jar has no CSRF cookie.
    pub fn csrf(self) -> Self {
        let cookie = CSRF_COOKIES.iter().find_map(|name| self.client.cookie(name));
        let value = cookie.unwrap_or_else(|| panic!("the cookie jar has none of {CSRF_COOKIES:?}")).value.clone();
        self.header("x-csrf-token", value)
    }

    /// Sends the request without the cookies from the jar. Cookies that the response sets are still stored in the jar.
    pub fn no_cookies(mut self) -> Self {
        self.with_jar = false;
        self
    }

    /// Adds another `Cookie` header field to the request. The field with the jar's cookies comes first. To add several
    /// fields, call this method several times.
    ///
    /// # Panics
    /// If `value` is not valid in HTTP.
    pub fn raw_cookie_header(mut self, value: impl AsRef<[u8]>) -> Self {
        self.raw_cookies.push(header_value(value.as_ref()));
        self
    }

    /// Sends the request and stores the response's cookies. Does not follow redirects.
    ///
    /// # Panics
    /// If the request cannot be sent, or if no complete response arrives within 60 seconds.
    pub async fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Like [`send`](Self::send), but returns an error instead of panicking. Use this method if the server might be
    /// down.
    ///
    /// # Errors
    /// Returns an error if the request cannot be sent, or if no complete response arrives within 60 seconds. The error
    /// text names the cause.
    pub async fn try_send(mut self) -> Result<Response, String> {
        self.once().await
    }

    /// Sends the request and follows redirects within the site, as a browser does.
    ///
    /// A 303 redirect changes every method except HEAD to GET, and a 301 or 302 changes POST to GET. A 307 or 308 keeps
    /// the method and the body. [`Response::hops`] returns the redirects.
    ///
    /// # Panics
    /// - If a request cannot be sent, or if no complete response arrives within 60 seconds.
    /// - If there are more than 10 redirects.
    pub async fn follow(mut self) -> Response {
        let mut hops = Vec::new();
        loop {
            let what = format!("{} {}", self.method, self.path);
            let mut response = self.once().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            let Some(next) = self.next_path(&response) else {
                response.hops = hops;
                return response;
            };
            assert!(hops.len() < MOST_HOPS, "more than {MOST_HOPS} redirects; the last is {what} → {next}");
            if becomes_get(response.status, &self.method) {
                self.method = Method::GET;
                self.body = Bytes::new();
                self.headers.remove(CONTENT_TYPE);
            }
            self.path = next;
            hops.push(response);
        }
    }

    /// Returns the path and query of the redirect target. Returns `None` if the response is not a redirect or leads to
    /// another site.
    fn next_path(&self, response: &Response) -> Option<String> {
        if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let origin = &self.client.origin;
        let here = Url::parse(&format!("{}{}", self.client.origin(), self.path)).ok()?;
        let next = here.join(response.location()?).ok()?;
        let same_site = next.origin() == origin.origin() || next.origin() == self.client.base.origin();
        same_site.then(|| next[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    async fn once(&mut self) -> Result<Response, String> {
        let client = &mut *self.client;
        let uri: http::Uri = client.url(&self.path).parse().map_err(|error| format!("not a path: {error}"))?;
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        if !headers.contains_key(HOST) {
            headers.insert(HOST, header_value(authority(&client.origin).as_bytes()));
        }
        let secure = client.origin.scheme() == "https";
        if let Some(cookies) = client.jar.header(&self.path, secure).filter(|_| self.with_jar) {
            headers.append(COOKIE, header_value(cookies.as_bytes()));
        }
        for value in &self.raw_cookies {
            headers.append(COOKIE, value.clone());
        }

        let is_idempotent = matches!(self.method, Method::GET | Method::HEAD);
        let exchange = async {
            let sent = client.pool.request(request.clone()).await;
            let sent = match sent {
                // The connection was idle, and the server has just closed it. Send the request again, as browsers do
                // (RFC 9110 section 9.2.2).
                Err(error) if is_idempotent && !error.is_connect() => client.pool.request(request).await,
                sent => sent,
            };
            let (head, body) = sent.map_err(|e| causes(&e))?.into_parts();
            let body = body.collect().await.map_err(|e| causes(&e))?.to_bytes();
            Ok::<_, String>((head, body))
        };
        let (head, body) = tokio::time::timeout(LONGEST_WAIT, exchange)
            .await
            .map_err(|_| format!("no response within {} s", LONGEST_WAIT.as_secs()))??;
        let response = Response {
            method: self.method.clone(),
            path: self.path.clone(),
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            body,
            hops: Vec::new(),
        };
        client.take_cookies(&response);
        Ok(response)
    }
}

fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => method == Method::POST,
        303 => method != Method::GET && method != Method::HEAD,
        _ => false,
    }
}

/// Returns the text of an error and its sources. By itself, hyper's error says only "client error (Connect)".
fn causes(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).unwrap_or_else(|_| panic!("{name:?} is not a valid header name"))
}

fn header_value(value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(value)
        .unwrap_or_else(|_| panic!("{:?} is not a valid header value", String::from_utf8_lossy(value)))
}
