//! An HTTP/1.1 client for black-box tests, with a browser's cookie jar.
//!
//! ```
//! use hardtack_conformance::{Client, server};
//! use http::Response;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let address = server::serve(|request| {
//!     let seen = request.header("cookie").unwrap_or("none").to_owned();
//!     Response::builder().header("set-cookie", "a=1; Path=/").body(seen).unwrap()
//! })
//! .await;
//!
//! let mut client = Client::new(address);
//! assert_eq!(client.get("/").send().await.text(), "none");
//! let mut thief = client.clone();
//! client.clear();
//! assert_eq!(thief.get("/").send().await.text(), "a=1");
//! # }
//! ```

use crate::html;
use crate::jar::{CookieJar, StoredCookie};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// No test waits longer for one response.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// As many redirects as [`Request::follow`] walks before it gives up.
const MOST_HOPS: usize = 10;
const BROWSER_ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
/// Where the double-submit value may be found, the stricter name first.
const CSRF_COOKIES: [&str; 2] = ["__Host-csrf_access_token", "csrf_access_token"];

/// Where a server listens: a socket address, or a URL such as `http://127.0.0.1:8080`.
pub trait IntoBase {
    /// The URL, without a path.
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

/// One browser, as the server sees it. Its clone has a copy of the cookies and goes its own way: a
/// thief's browser, or another tab in a race.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    /// Where the server believes that it lives.
    origin: Url,
    jar: CookieJar,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at `base`, with an empty jar.
    pub fn new(base: impl IntoBase) -> Self {
        let base = base.into_base();
        Self {
            origin: base.clone(),
            base,
            jar: CookieJar::new(),
            pool: Pool::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Behaves as if the server were reached at `origin`, such as `https://site.example`, as a browser
    /// behind a TLS proxy does: that `Host` is sent, redirects to it are followed, and, where it is https,
    /// `Secure` cookies go along, although the socket is plain.
    #[must_use]
    pub fn at_origin(mut self, origin: &str) -> Self {
        self.origin = Url::parse(origin).unwrap_or_else(|error| panic!("{origin:?} is not an origin: {error}"));
        self
    }

    /// Sends `Secure` cookies over the plain socket too, as if a TLS proxy stood between; nothing else
    /// changes. Without this a `Secure` cookie is stored, and not sent.
    #[must_use]
    pub fn send_secure_cookies(mut self) -> Self {
        self.origin.set_scheme("https").expect("http and https are both special schemes");
        // A default port would otherwise change its meaning with the scheme.
        let _ = self.origin.set_port(self.base.port_or_known_default());
        self
    }

    /// Talks to the server at `base` from now on, with the same cookies: to a browser, servers on different
    /// ports of one host share them (RFC 6265 §8.5).
    pub fn turn_to(&mut self, base: impl IntoBase) -> &mut Self {
        self.base = base.into_base();
        self.origin = self.base.clone();
        self
    }

    /// What a browser would name as `Origin`.
    pub fn origin(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    /// A GET.
    pub fn get(&mut self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// A POST.
    pub fn post(&mut self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// Any request; `path` begins with a slash, may have a query, and is sent as it stands, undecoded.
    /// Only what no browser sends (spaces, quotes and angle brackets, unescaped) is refused.
    pub fn request(&mut self, method: Method, path: &str) -> Request<'_> {
        assert!(path.starts_with('/'), "a path begins with a slash: {path:?}");
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

    /// The living cookie of that name; with several, the one of the longest path.
    pub fn cookie(&self, name: &str) -> Option<&StoredCookie> {
        self.jar.get(name)
    }

    /// Every living cookie, the oldest first.
    pub fn cookies(&self) -> Vec<&StoredCookie> {
        self.jar.cookies()
    }

    /// Applies the text of a `Set-Cookie`, as if the server had sent it in answer to `/`.
    pub fn set_cookie_raw(&mut self, set_cookie: &str) {
        self.jar.store(set_cookie, "/");
    }

    /// Applies the cookies of a response that another client received: one more tab of this browser.
    pub fn take_cookies(&mut self, response: &Response) {
        for raw in response.raw_set_cookies() {
            self.jar.store(&raw, &response.path);
        }
    }

    /// Forgets every cookie.
    pub fn clear(&mut self) {
        self.jar.clear();
    }

    /// The jar itself.
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

/// A request to be sent; see [`Client::request`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send` or `follow`"]
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
    /// Sets a header, in place of any value that it had. Bytes from 0x80 on may stand in the value.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.insert(header_name(name), header_value(value.as_ref()));
        self
    }

    /// Adds a header beside any value that it has.
    pub fn add_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.append(header_name(name), header_value(value.as_ref()));
        self
    }

    /// A urlencoded body.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, fields: &[(K, V)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// A JSON body.
    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// A `multipart/form-data` body.
    pub fn multipart<K: AsRef<str>, V: AsRef<str>>(self, fields: &[(K, V)]) -> Self {
        const BOUNDARY: &str = "----HardtackFormBoundary7MA4YWxkTrZu0gW";
        let mut body = String::new();
        for (name, value) in fields {
            // HTML §4.10.21.8: only these three are escaped in a name.
            let name = name.as_ref().replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
            let value = value.as_ref();
            body += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += &format!("--{BOUNDARY}--\r\n");
        self.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
    }

    /// Any body; the content type is for [`header`](Self::header) to say.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The headers of a browser that navigates within the site.
    pub fn accept_html(self) -> Self {
        self.header("accept", BROWSER_ACCEPT)
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    /// The `Accept` of an API client.
    pub fn accept_json(mut self) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self
    }

    /// Sends back the double-submit value as `X-CSRF-TOKEN`, as a page's script would.
    pub fn csrf(self) -> Self {
        let cookie = CSRF_COOKIES.iter().find_map(|name| self.client.cookie(name));
        let value = cookie.unwrap_or_else(|| panic!("none of {CSRF_COOKIES:?} is in the jar")).value.clone();
        self.header("x-csrf-token", value)
    }

    /// Leaves the jar's cookies at home. What the response sets is stored nevertheless.
    pub fn no_cookies(mut self) -> Self {
        self.with_jar = false;
        self
    }

    /// Adds a `Cookie` header of its own, after the jar's. May be repeated.
    pub fn raw_cookie_header(mut self, value: impl AsRef<[u8]>) -> Self {
        self.raw_cookies.push(header_value(value.as_ref()));
        self
    }

    /// Sends the request, stores the cookies that come back, and follows no redirect.
    pub async fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Like [`send`](Self::send), for a server that may not be there. The error names the cause.
    pub async fn try_send(mut self) -> Result<Response, String> {
        self.once().await
    }

    /// Sends the request and follows redirects as a browser does: 303 with GET, 301 and 302 with GET
    /// after a POST, 307 and 308 with the same method and body. At most 10 hops; a redirect that leaves the
    /// site is not followed. [`Response::hops`] lists the redirects that were.
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

    /// Where a browser would go from here, unless that is another site.
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

        let exchange = async {
            let (head, body) = client.pool.request(request).await.map_err(|e| causes(&e))?.into_parts();
            let body = body.collect().await.map_err(|e| causes(&e))?.to_bytes();
            Ok::<_, String>((head, body))
        };
        let (head, body) = tokio::time::timeout(LONGEST_WAIT, exchange)
            .await
            .map_err(|_| format!("no answer within {} s", LONGEST_WAIT.as_secs()))??;
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

/// hyper says "client error (Connect)"; the reason is in its sources.
fn causes(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).unwrap_or_else(|_| panic!("not a header name: {name:?}"))
}

fn header_value(value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(value)
        .unwrap_or_else(|_| panic!("not a header value: {:?}", String::from_utf8_lossy(value)))
}

/// What came back, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    method: Method,
    path: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    text: String,
    hops: Vec<Response>,
}

impl Response {
    /// The status; compares with a plain number.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The method of the request that this answers: after a redirect, the last one's.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path and query of the request that this answers: after a redirect, the last one's.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The redirects that [`Request::follow`] walked, the first one first.
    pub fn hops(&self) -> &[Response] {
        &self.hops
    }

    /// A header's first value, where it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header, in order. Bytes that are not UTF-8 are replaced.
    pub fn headers_all(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect()
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The body's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} {}: not JSON ({error}): {}", self.method, self.path, self.text))
    }

    /// The cookies that this response sets or deletes, in order; of each, also the raw text.
    pub fn set_cookies(&self) -> Vec<StoredCookie> {
        self.raw_set_cookies().iter().filter_map(|raw| StoredCookie::parse(raw, &self.path)).collect()
    }

    /// The last `Set-Cookie` for that name.
    pub fn set_cookie(&self, name: &str) -> Option<StoredCookie> {
        self.set_cookies().into_iter().rev().find(|cookie| cookie.name == name)
    }

    /// `Location`, as sent.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// The value of a hidden form field; see [`html::hidden_field`].
    pub fn hidden_field(&self, name: &str) -> Option<String> {
        html::hidden_field(&self.text, name)
    }

    /// The fields of the form with that action, as a browser would send them; see [`html::form_fields`].
    pub fn form_fields(&self, action: &str) -> Vec<(String, String)> {
        html::form_fields(&self.text, action).unwrap_or_else(|| {
            let actions = html::form_actions(&self.text);
            panic!("{} {}: no form with action {action:?}, only {actions:?}", self.method, self.path)
        })
    }

    fn raw_set_cookies(&self) -> Vec<String> {
        self.headers_all(SET_COOKIE.as_str())
    }
}
