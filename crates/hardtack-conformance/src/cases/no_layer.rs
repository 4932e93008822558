//! Tests that an application without the adapter's layer responds with 500 and does not reveal the cause to the client.

use serde_json::json;

use crate::harness::{ACCESS, CSRF_ACCESS, Case, cookie_value};

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/anyone"),
    ("GET", "/protected"),
    ("POST", "/protected"),
    ("GET", "/fresh"),
    ("GET", "/proven"),
    ("POST", "/proven"),
    ("GET", "/refresh-token"),
    ("GET", "/user"),
    ("GET", "/user/optional"),
    ("GET", "/claims"),
    ("GET", "/form"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/token/refresh"),
    ("POST", "/reauthenticate"),
    ("POST", "/renew"),
    ("POST", "/echo"),
    ("POST", "/upload"),
    ("GET", "/guarded/page"),
    ("GET", "/guarded-fresh/page"),
    ("GET", "/guarded-proven/page"),
    ("GET", "/nested/inner"),
];

pub(super) fn cases() -> Vec<Case> {
    let case = |&(method, path): &(&'static str, &'static str)| {
        Case::new(format!("no layer: {method} {path} gets a 500"), move |site| async move {
            let alice = site.alice().await;
            for mut client in [site.visitor(), alice.clone()] {
                let request = client.request(method.parse().unwrap(), path).accept_json();
                let request = match method {
                    "POST" => request.header("x-csrf-token", cookie_value(&alice, CSRF_ACCESS)),
                    _ => request,
                };
                let request = if method == "POST" { request.json(&json!({ "sub": "alice" })) } else { request };
                let response = request.send().await;
                site.expect("response", &response, "500");
                site.expect_eq("cookies", response.headers_all("set-cookie"), Vec::<String>::new());
                let text = response.text();
                let token = cookie_value(&alice, ACCESS);
                let internal = ["Layer", "layer", "hardtack", "Extension", "app_data", ".rs", token.as_str()];
                site.expect_eq("internal words", internal.into_iter().find(|word| text.contains(word)), None);
                site.expect_eq("empty body", text.is_empty(), false);
            }
        })
        .without_layer()
    };
    ROUTES.iter().map(case).collect()
}
