//! `/openapi.json`, compared with the router: each route is documented, and the documentation is right.

use std::collections::{BTreeMap, BTreeSet};

use hardtack::RefreshMode;
use hardtack_test_support::client::Response;
use http::Method;
use serde_json::{Value, json};

use crate::support::*;

/// A session id that does not exist.
const NOBODYS_SESSION: &str = "00000000000000000000000000000000";

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The document that the site serves.
pub(crate) struct Document(Value);

impl Document {
    pub(crate) async fn of(site: &TestSite) -> Self {
        let response = site.client().get("/openapi.json").send().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        Self(response.json())
    }

    /// The value that a JSON pointer with a leading `#` refers to.
    fn at(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// The value itself, or what it refers to if it is a reference.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        value.get("$ref").map_or(value, |reference| self.at(reference.as_str().unwrap()))
    }

    /// All operations with their paths and methods.
    fn operations(&self) -> Vec<(&str, Method, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| {
                assert!(METHODS.contains(&method.as_str()), "{path}: {method} is no method");
                (path.as_str(), method.to_ascii_uppercase().parse().unwrap(), operation)
            })
        });
        operations.collect()
    }

    fn methods(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut methods: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (path, method, _) in self.operations() {
            methods.entry(path).or_default().insert(method.to_string());
        }
        methods
    }

    /// Asserts that a response is documented for its route: its status, content type, header fields and, if it is
    /// JSON, its shape.
    pub(crate) fn check(&self, route: &str, response: &Response) {
        let method = match response.method().as_str() {
            "HEAD" => "get".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        let what = format!("{} {} → {}", response.method(), response.path(), response.status());
        let operation = &self.0["paths"][route][&method];
        assert!(operation.is_object(), "{what}: {method} {route} is not written down");
        let documented = &operation["responses"][response.status().as_str()];
        assert!(documented.is_object(), "{what}: that status is not documented\n{}", response.text());
        let documented = self.resolved(documented);
        for name in documented["headers"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(response.header(name).is_some(), "{what} lacks {name}");
        }
        if response.bytes().is_empty() {
            return;
        }
        let kind = response.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        let media = &documented["content"][kind];
        let has_json = ["application/json", "application/problem+json"]
            .iter()
            .any(|kind| documented["content"][*kind].is_object());
        if kind == "text/html" && has_json {
            // The responses list no `text/html`, because the document's description says that browsers get pages.
            return;
        }
        assert!(media.is_object(), "{what}: {kind:?} is not written down");
        if kind.ends_with("json") {
            self.conforms(&media["schema"], &response.json()).unwrap_or_else(|flaw| panic!("{what}: {flaw}"));
        }
    }

    /// Validates a value against the part of JSON Schema that the document uses.
    fn conforms(&self, schema: &Value, value: &Value) -> Result<(), String> {
        const KNOWN: [&str; 12] = [
            "type",
            "const",
            "anyOf",
            "required",
            "properties",
            "additionalProperties",
            "items",
            "pattern",
            "format",
            "description",
            "example",
            "$ref",
        ];
        let schema = self.resolved(schema);
        let members = schema.as_object().ok_or_else(|| format!("{schema} is no schema"))?;
        if let Some(unknown) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(format!("this test knows nothing of {unknown}"));
        }
        if let Some(wanted) = schema.get("const").filter(|wanted| *wanted != value) {
            return Err(format!("{value} is not {wanted}"));
        }
        if let Some(any) = schema.get("anyOf").and_then(Value::as_array)
            && !any.iter().any(|one| self.conforms(one, value).is_ok())
        {
            return Err(format!("{value} is none of {any:?}"));
        }
        match &schema["type"] {
            Value::Null => {}
            Value::String(one) if is_a(one, value) => {}
            Value::Array(several) if several.iter().filter_map(Value::as_str).any(|one| is_a(one, value)) => {}
            wanted => return Err(format!("{value} is no {wanted}")),
        }
        if schema["pattern"] == "^[0-9a-f]{32}$" {
            let text = value.as_str().unwrap_or_default();
            if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(format!("{text} is not 32 hexadecimal digits"));
            }
        }
        for item in value.as_array().into_iter().flatten() {
            self.conforms(&schema["items"], item)?;
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            object.get(name).ok_or_else(|| format!("{name} is missing"))?;
        }
        for (name, member) in object {
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(known), _) => self.conforms(known, member)?,
                (None, Value::Bool(false)) => return Err(format!("{name} is not written down")),
                (None, others @ Value::Object(_)) => self.conforms(others, member)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// All objects within a value, including the value itself.
fn objects(value: &Value) -> Vec<&serde_json::Map<String, Value>> {
    let mut found = Vec::new();
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(object) => {
                found.push(object);
                rest.extend(object.values());
            }
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    found
}

fn concrete(path: &str) -> String {
    path.replace("{id}", NOBODYS_SESSION)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_the_document_is_the_base_url() {
    for base_url in [None, Some("https://site.example"), Some("http://127.0.0.1:9/below")] {
        let site = TestSite::start(Options { base_url, ..Options::default() }).await;
        let Document(document) = Document::of(&site).await;
        let address = site.auth().base_url().unwrap();
        assert!(base_url.is_none_or(|url| url == address), "{address}");
        assert_eq!(document["servers"], json!([{ "url": address, "description": "The site's own address." }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_consistent() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    assert_eq!(document.0["openapi"], "3.1.0");
    for member in ["title", "version", "description"] {
        assert!(document.0["info"][member].is_string(), "info has no {member}");
    }
    for object in objects(&document.0) {
        if let Some(reference) = object.get("$ref") {
            document.at(reference.as_str().unwrap());
        }
        // Each example must match its schema.
        if let Some(schema) = object.get("schema") {
            let several = object.get("examples").and_then(Value::as_object);
            let values = several.into_iter().flat_map(|several| several.values().map(|example| &example["value"]));
            for example in object.get("example").into_iter().chain(values) {
                document.conforms(schema, example).unwrap_or_else(|flaw| panic!("{example}: {flaw}"));
            }
        }
    }
    for (status, response) in
        document.operations().iter().flat_map(|(_, _, operation)| operation["responses"].as_object().unwrap().iter())
    {
        let response = document.resolved(response);
        assert!(response["description"].is_string(), "{status}: {response}");
        let problems = &response["content"]["application/problem+json"]["examples"];
        for example in problems.as_object().into_iter().flat_map(serde_json::Map::values) {
            assert_eq!(example["value"]["status"].to_string(), *status, "{example}");
        }
    }
    let mut referenced: BTreeSet<&str> =
        objects(&document.0).iter().filter_map(|object| object.get("$ref")?.as_str()).collect();
    for (kind, all) in document.0["components"].as_object().unwrap() {
        for name in all.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            assert!(referenced.remove(format!("#/components/{kind}/{name}").as_str()), "{kind}/{name} is never used");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_documents_parameters_security_and_errors() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut ids = BTreeSet::new();
    for (path, method, operation) in document.operations() {
        let what = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{what}: another operation has its id");
        assert!(operation["summary"].is_string(), "{what} has no summary");
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let named = |place: &str, name: &str| {
            parameters.iter().map(|one| document.resolved(one)).any(|one| one["in"] == place && one["name"] == name)
        };
        assert_eq!(named("path", "id"), path.contains("{id}"), "{what}");
        // An operation that uses the cookies needs a CSRF token.
        let requirements = operation["security"].as_array().unwrap();
        let acts = requirements.iter().any(|one| !one.as_object().unwrap().is_empty());
        for scheme in requirements.iter().flat_map(|one| one.as_object().unwrap().keys()) {
            document.at(&format!("#/components/securitySchemes/{scheme}"));
        }
        assert_eq!(named("header", "X-CSRF-TOKEN"), acts && method == Method::POST, "{what}");
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
            let (wanted, statuses): (&[&str], &[&str]) = match operation["requestBody"]["required"] == true {
                true => {
                    (&["application/json", "application/x-www-form-urlencoded"], &["400", "403", "413", "415", "422"])
                }
                false => (&["application/json"], &["400", "403", "413", "422"]),
            };
            assert_eq!(kinds, wanted, "{what}");
            for status in statuses {
                assert!(operation["responses"].get(status).is_some(), "{what} takes a body and has no {status}");
            }
            for (kind, media) in content {
                assert!(media["example"].is_object(), "{what}: {kind} has no example");
            }
            let schema = document.resolved(&content["application/json"]["schema"]);
            assert_eq!(schema["additionalProperties"], false, "{what} accepts any member");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let kinds = document.resolved(response)["content"].as_object();
            assert!(
                kinds.is_none_or(|kinds| kinds.len() == 1),
                "{what} {status} has several types: generated clients \
                     could not tell which one they get"
            );
        }
    }
}

/// For each request, the document lists exactly the members that the route accepts.
#[tokio::test(flavor = "multi_thread")]
async fn a13_the_members_of_each_request_are_those_that_the_route_accepts() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let (mut visitor, mut user) = (site.client(), site.person("alice").await);
    for (path, method, operation) in document.operations() {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let members = document.resolved(schema)["properties"].as_object().unwrap();
        let client = match operation["security"].as_array().unwrap().is_empty() {
            true => &mut visitor,
            false => &mut user,
        };
        let request = client.request(method, &concrete(path)).accept_json();
        let request = if operation["security"].as_array().unwrap().is_empty() { request } else { request.csrf() };
        let response = request.json(&serde_json::json!({ "misspelt": "x" })).send().await;
        document.check(path, &response);
        assert_eq!(response.status(), 422, "{path}: {}", response.text());
        let text = response.json()["errors"]["misspelt"].as_str().unwrap().to_owned();
        let (_, accepted) = text.split_once("It accepts").unwrap();
        let accepted: BTreeSet<&str> = match accepted.strip_prefix(": ") {
            Some(names) => names.trim_end_matches('.').split(", ").collect(),
            None => BTreeSet::new(),
        };
        assert_eq!(accepted, members.keys().map(String::as_str).collect(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_exists_and_each_route_is_documented() {
    // In the other modes, GET /token/refresh is not allowed.
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let document = Document::of(&site).await;

    // Compare the paths with those in the router's source.
    let source = include_str!("../../src/router.rs").lines().filter(|line| !line.trim_start().starts_with("///"));
    let routes: BTreeSet<&str> = source.filter_map(|line| line.split_once(".route(\"")?.1.split('"').next()).collect();
    let methods = document.methods();
    assert_eq!(routes, methods.keys().copied().collect());

    let mut client = site.client();
    for (path, written) in &methods {
        for method in written {
            let request = client.request(method.parse().unwrap(), &concrete(path)).accept_json();
            let response = request.send().await;
            let operation = &document.0["paths"][path][method.to_ascii_lowercase()];
            let documents_404 = operation["responses"].get("404").is_some();
            let status = response.status().as_u16();
            assert!(status != 405 && (status != 404 || documents_404), "{method} {path} → {status}");
        }
        // Compare the methods with those that the router reports in `Allow`.
        let response = client.request(Method::PATCH, &concrete(path)).accept_json().send().await;
        assert_eq!(response.status(), 405, "{path}");
        let allowed: BTreeSet<String> =
            response.header("allow").unwrap().split(',').map(|one| one.trim().to_owned()).collect();
        let mut expected = written.clone();
        if written.contains("GET") {
            expected.insert("HEAD".to_owned());
        }
        assert_eq!(allowed, expected, "{path}");
    }
}

/// The responses to visitors are documented, for each operation, for browsers and for API clients.
#[tokio::test(flavor = "multi_thread")]
async fn every_response_to_a_visitor_is_documented() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut client = site.client();
    for (path, method, _) in document.operations() {
        for (cookie, kind, body) in [
            ("", "application/json", "{}"),
            ("", "application/json", "{"),
            ("", "application/json", "[]"),
            ("", "application/x-www-form-urlencoded", "username=a"),
            ("", "text/plain", "a"),
            ("access_token_cookie=forged", "application/json", "{}"),
            ("access_token_cookie=a; access_token_cookie=b", "application/json", "{}"),
            ("refresh_token_cookie=forged", "application/json", "{}"),
        ] {
            for page in [true, false] {
                let request = client.request(method.clone(), &concrete(path)).no_cookies();
                let request = if page { request.accept_html() } else { request.accept_json() };
                let mut request = if cookie.is_empty() { request } else { request.raw_cookie_header(cookie) };
                if method == Method::POST {
                    request = request.header("content-type", kind).body(body);
                }
                document.check(path, &request.send().await);
            }
        }
    }
}
