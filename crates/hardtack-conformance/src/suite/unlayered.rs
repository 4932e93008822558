//! The layer forgotten: the developer's mistake, which nobody outside learns anything from.

use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, CSRF_ACCESS, value_of};

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/anyone"),
    ("GET", "/protected"),
    ("POST", "/protected"),
    ("GET", "/fresh"),
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
    ("GET", "/nested/inner"),
];

pub(super) fn cases() -> Vec<Case> {
    let case = |&(method, path): &(&'static str, &'static str)| {
        Case::new(format!("no layer: {method} {path}"), move |site| async move {
            let alice = site.alice().await;
            for mut client in [site.visitor(), alice.clone()] {
                let request = client.request(method.parse().unwrap(), path).accept_json();
                let request = match method {
                    "POST" => request.header("x-csrf-token", value_of(&alice, CSRF_ACCESS)),
                    _ => request,
                };
                let request = if method == "POST" { request.json(&json!({ "sub": "alice" })) } else { request };
                let answer = request.send().await;
                site.expect("answer", &answer, "500");
                site.same("no cookies", answer.headers_all("set-cookie"), Vec::<String>::new());
                let text = answer.text();
                let token = value_of(&alice, ACCESS);
                let inner = ["Layer", "layer", "hardtack", "Extension", "app_data", ".rs", token.as_str()];
                site.same("it names nothing inside", inner.into_iter().find(|word| text.contains(word)), None);
                site.same("it says something", text.is_empty(), false);
            }
        })
        .without_layer()
    };
    ROUTES.iter().map(case).collect()
}
