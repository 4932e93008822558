//! The parts of two servers' responses that are compared. Parts that necessarily differ are left out.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use hardtack_test_support::{Response, StoredCookie};
use serde_json::{Map, Value, json};

use super::tokens::read;

/// The two servers read their clocks at different moments.
const SECONDS_APART: f64 = 10.0;

/// How PyJWT's messages begin. Clients should not parse these messages, so Hardtack's wording may differ. All other
/// messages come from Flask-JWT-Extended and must be equal.
const PYJWT: [&str; 29] = [
    "Algorithm not specified",
    "Algorithm not supported",
    "Audience doesn't match",
    "Critical extension",
    "Expiration Time claim (exp) must be",
    "Invalid 'crit' header",
    "Invalid audience",
    "Invalid claim format in token",
    "Invalid crypto padding",
    "Invalid header padding",
    "Invalid header string",
    "Invalid issuer",
    "Invalid payload padding",
    "Invalid payload string",
    "Invalid token type",
    "Issued At claim (iat) must be",
    "It is required that you pass in a value for the \"detached_payload\"",
    "JWT ID must be",
    "Key ID header parameter must be",
    "Not Before claim (nbf) must be",
    "Not enough segments",
    "Payload segment must be empty when 'b64' is false",
    "Payload Issuer (iss) must be",
    "Signature verification failed",
    "Subject must be",
    "The specified alg value is not allowed",
    "The token is not yet valid",
    "Token is missing the ",
    "Unsupported critical extension",
];

/// The parts of a response that are compared, by name.
#[derive(Debug, Clone)]
pub(super) struct Comparable(Map<String, Value>);

impl Comparable {
    pub(super) fn of(response: &Response) -> Self {
        let cookies = response.headers_all("set-cookie");
        let mut parts = Map::new();
        parts.insert("status".into(), json!(response.status().as_u16()));
        parts.insert("content-type".into(), json!(response.header("content-type")));
        parts.insert("location".into(), json!(response.location()));
        let text = || Value::String(response.text().to_owned());
        let body = serde_json::from_slice(response.bytes()).unwrap_or_else(|_| text());
        parts.insert("body".into(), decoded(body));
        let mut read: Vec<(String, Value)> = cookies.iter().map(|raw| cookie(raw)).collect();
        // The order of the cookies has no meaning, because no two of them have the same name.
        read.sort_by(|a, b| a.0.cmp(&b.0));
        name_csrf_values(&mut read);
        parts.insert("cookies".into(), read.into_iter().map(|(name, value)| json!([name, value])).collect());
        Self(parts)
    }

    pub(super) fn status(&self) -> u64 {
        self.0["status"].as_u64().unwrap_or_default()
    }

    /// Returns the names of the parts that differ. `self` is Flask's response.
    pub(super) fn differs_from(&self, ours: &Self, message_key: &str) -> Vec<&str> {
        let alike = |part: &str| {
            let (theirs, ours) = (&self.0[part], &ours.0[part]);
            alike(theirs, ours)
                || part == "body" && is_from_pyjwt(theirs, message_key) && has_message(ours, message_key)
        };
        self.0.keys().map(String::as_str).filter(|part| !alike(part)).collect()
    }

    /// Prints both values of each of the parts.
    pub(super) fn diff(&self, ours: &Self, parts: &[&str]) -> String {
        let mut text = String::new();
        for part in parts {
            let _ = writeln!(text, "  - {part}: {}", self.0[*part]);
            let _ = writeln!(text, "  + {part}: {}", ours.0[*part]);
        }
        text
    }
}

/// Replaces tokens with their contents, without the random values.
fn decoded(value: Value) -> Value {
    match value {
        Value::String(text) => match read(&text) {
            Some((header, claims)) if header.is_object() => {
                json!({ "header": header, "claims": without_random(claims) })
            }
            _ => Value::String(text),
        },
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, decoded(value))).collect(),
        value => value,
    }
}

fn without_random(mut claims: Value) -> Value {
    for name in ["jti", "csrf"] {
        if claims[name].as_str().is_some_and(|text| text.len() >= 20) {
            claims[name] = "(random)".into();
        }
    }
    claims
}

/// Returns a cookie's name, and its value and attributes.
fn cookie(raw: &str) -> (String, Value) {
    let (pair, attributes) = raw.split_once(';').unwrap_or((raw, ""));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let mut parts = Map::new();
    for attribute in attributes.split(';') {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        parts.insert(name.trim().to_ascii_lowercase(), value.trim().into());
    }
    if let Some(at) = StoredCookie::parse(raw, "/").and_then(|cookie| cookie.expires) {
        parts.insert("expires".into(), json!(at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())));
    }
    let csrf = read(value).and_then(|(_, claims)| Some(claims["csrf"].as_str()?.to_owned()));
    parts.insert("(value)".into(), decoded(Value::String(value.to_owned())));
    parts.insert("(csrf)".into(), json!(csrf));
    (name.to_owned(), Value::Object(parts))
}

/// Replaces a cookie's value with a name if it is the `csrf` claim of another cookie's token.
fn name_csrf_values(cookies: &mut [(String, Value)]) {
    let tokens: Vec<(String, Value)> = cookies
        .iter_mut()
        .filter_map(|(name, cookie)| Some((name.clone(), cookie.as_object_mut()?.remove("(csrf)")?)))
        .collect();
    for (_, cookie) in cookies {
        let of = tokens.iter().find(|(_, csrf)| csrf.is_string() && *csrf == cookie["(value)"]);
        if let Some((token, _)) = of {
            cookie["(value)"] = format!("(csrf of {token})").into();
        }
    }
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| alike(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            // A Unix time.
            (Some(a), Some(b)) if a > 1e9 => (a - b).abs() < SECONDS_APART,
            (a, b) => a == b,
        },
        (a, b) => a == b,
    }
}

fn is_from_pyjwt(body: &Value, key: &str) -> bool {
    body[key].as_str().is_some_and(|text| PYJWT.iter().any(|known| text.starts_with(known)))
}

fn has_message(body: &Value, key: &str) -> bool {
    let alone = body.as_object().is_some_and(|members| members.len() == 1);
    alone && body[key].as_str().is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use hardtack_test_support::{Client, server};
    use http::Response;

    use super::Comparable;

    /// A response with this status, content type, cookies and body.
    async fn response(
        status: u16,
        kind: &'static str,
        cookies: &'static [&'static str],
        body: &'static str,
    ) -> Comparable {
        let address = server::serve(move |_| {
            let response = Response::builder().status(status).header("content-type", kind);
            let response = cookies.iter().fold(response, |response, cookie| response.header("set-cookie", *cookie));
            response.body(body).unwrap()
        });
        Comparable::of(&Client::new(address.await).get("/").send().await)
    }

    #[tokio::test]
    async fn every_part_is_compared() {
        const JSON: &str = "application/json";
        let flask = response(200, JSON, &["a=1; Path=/; HttpOnly"], r#"{"sub":"alice","location":"json"}"#).await;
        let same = response(200, JSON, &["a=1; HttpOnly; path=/"], r#"{ "location": "json", "sub": "alice" }"#).await;
        assert!(flask.differs_from(&same, "msg").is_empty());
        for (other, part) in [
            (response(201, JSON, &["a=1; Path=/; HttpOnly"], r#"{"sub":"alice","location":"json"}"#).await, "status"),
            (
                response(200, "text/plain", &["a=1; Path=/; HttpOnly"], r#"{"sub":"alice","location":"json"}"#).await,
                "content-type",
            ),
            (response(200, JSON, &["a=1; Path=/; HttpOnly"], r#"{"sub":"bob","location":"json"}"#).await, "body"),
            (response(200, JSON, &["a=1; Path=/; HttpOnly"], r#"{"sub":"alice"}"#).await, "body"),
            (response(200, JSON, &["a=1; Path=/"], r#"{"sub":"alice","location":"json"}"#).await, "cookies"),
            (response(200, JSON, &["a=1; Path=/x; HttpOnly"], r#"{"sub":"alice","location":"json"}"#).await, "cookies"),
            (response(200, JSON, &[], r#"{"sub":"alice","location":"json"}"#).await, "cookies"),
        ] {
            assert_eq!(flask.differs_from(&other, "msg"), [part]);
            assert!(flask.diff(&other, &[part]).contains(&format!("  + {part}: ")));
        }
    }

    #[tokio::test]
    async fn only_messages_of_pyjwt_may_differ() {
        const JSON: &str = "application/json";
        let pyjwts = response(422, JSON, &[], r#"{"msg":"Not enough segments"}"#).await;
        let own = response(422, JSON, &[], r#"{"msg":"Only refresh tokens are allowed"}"#).await;
        let ours = response(422, JSON, &[], r#"{"msg":"The token has no three parts"}"#).await;
        let silent = response(422, JSON, &[], r#"{"msg":""}"#).await;
        assert!(pyjwts.differs_from(&ours, "msg").is_empty());
        assert_eq!(pyjwts.differs_from(&silent, "msg"), ["body"]);
        assert_eq!(pyjwts.differs_from(&ours, "error"), ["body"]);
        assert_eq!(own.differs_from(&ours, "msg"), ["body"]);
    }
}
