//! The requests that both servers get.

mod bodies;
mod cookies;
mod headers;
mod issuing;
mod queries;
mod routes;
mod tokens;

use hardtack_test_support::{Client, Response};
use http::Method;
use serde_json::{Value, json};

use super::options::Options;
use super::tokens::{Kind, Mint};

pub(super) use issuing::{issued, of_peers};

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// The option set, the group, and what distinguishes the request.
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Case {
    fn get(name: impl Into<String>, path: &str) -> Self {
        Self::new(name, Method::GET, path)
    }

    fn post(name: impl Into<String>, path: &str) -> Self {
        Self::new(name, Method::POST, path)
    }

    fn new(name: impl Into<String>, method: Method, path: &str) -> Self {
        Self { name: name.into(), method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds a cookie to the `Cookie` field.
    fn cookie(mut self, name: &str, value: &str) -> Self {
        let pair = format!("{name}={value}");
        match self.headers.iter_mut().find(|(name, _)| name == "cookie") {
            Some((_, line)) => line.extend(format!("; {pair}").into_bytes()),
            None => self.headers.push(("cookie".to_owned(), pair.into_bytes())),
        }
        self
    }

    fn query(mut self, text: &str) -> Self {
        self.path += if self.path.contains('?') { "&" } else { "?" };
        self.path += text;
        self
    }

    fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        if content_type.is_empty() { self } else { self.header("content-type", content_type) }
    }

    fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", form(fields))
    }

    fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let field = |(name, value): &(&str, &str)| {
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(field).collect();
        self.body("multipart/form-data; boundary=cut", format!("{fields}--cut--\r\n"))
    }

    /// Puts a token at a location as a correct client does: in a cookie, with the CSRF value of its kind if one is
    /// required.
    fn token_at(self, options: &Options, location: &str, kind: Kind, token: &str) -> Self {
        match location {
            "headers" => self.header(options.get("JWT_HEADER_NAME"), bearer(options, token)),
            "cookies" => {
                let protected = options.is("JWT_COOKIE_CSRF_PROTECT")
                    && options.list("JWT_CSRF_METHODS").contains(&self.method.as_str());
                let case = self.cookie(cookie_name(options, kind), token);
                if protected { case.header(csrf_header(options, kind), kind.csrf()) } else { case }
            }
            "query_string" => {
                let value = format!("{}{token}", options.get("JWT_QUERY_STRING_VALUE_PREFIX"));
                self.query(&form(&[(options.get("JWT_QUERY_STRING_NAME"), &value)]))
            }
            _ => self.json(&json!({ json_key(options, kind): token })),
        }
    }

    pub(super) async fn send(&self, client: &mut Client) -> Response {
        let mut request = client.request(self.method.clone(), &self.path).no_cookies().body(self.body.clone());
        // gunicorn may close a keep-alive connection while the next request is in flight.
        request = request.header("connection", "close");
        for (name, value) in &self.headers {
            request = request.add_header(name, value);
        }
        request.send().await
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The correct value of the header field.
fn bearer(options: &Options, token: &str) -> String {
    format!("{} {token}", options.get("JWT_HEADER_TYPE")).trim_start().to_owned()
}

fn cookie_name(options: &Options, kind: Kind) -> &str {
    options.get(match kind {
        Kind::Access => "JWT_ACCESS_COOKIE_NAME",
        Kind::Refresh => "JWT_REFRESH_COOKIE_NAME",
    })
}

fn csrf_header(options: &Options, kind: Kind) -> &str {
    options.get(match kind {
        Kind::Access => "JWT_ACCESS_CSRF_HEADER_NAME",
        Kind::Refresh => "JWT_REFRESH_CSRF_HEADER_NAME",
    })
}

fn csrf_field(options: &Options, kind: Kind) -> &str {
    options.get(match kind {
        Kind::Access => "JWT_ACCESS_CSRF_FIELD_NAME",
        Kind::Refresh => "JWT_REFRESH_CSRF_FIELD_NAME",
    })
}

fn json_key(options: &Options, kind: Kind) -> &str {
    options.get(match kind {
        Kind::Access => "JWT_JSON_KEY",
        Kind::Refresh => "JWT_REFRESH_JSON_KEY",
    })
}

/// All requests of an option set, in the order in which they are sent.
pub(super) fn all(options: &Options) -> Vec<Case> {
    let mint = options.mint();
    let mut cases = Vec::new();
    routes::add(&mut cases, options, &mint);
    tokens::add(&mut cases, options, &mint);
    headers::add(&mut cases, options, &mint);
    queries::add(&mut cases, options, &mint);
    bodies::add(&mut cases, options, &mint);
    cookies::add(&mut cases, options, &mint);
    issuing::add(&mut cases, options, &mint);
    for case in &mut cases {
        case.name = format!("{}/{}", options.name, case.name);
    }
    cases
}
