//! HTTP/2, where browsers send each cookie in a field of its own (RFC 9113 §8.2.3).

use actix_web::web::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;

use crate::site::{ACCESS, REFRESH, Site};

async fn send(request: Request<Full<Bytes>>) -> Response<String> {
    let pool = Pool::builder(TokioExecutor::new()).http2_only(true).build_http();
    let (head, body) = pool.request(request).await.unwrap().into_parts();
    assert_eq!(head.version, http::Version::HTTP_2);
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn cookies_in_fields_of_their_own() {
    let site = Site::start().await;
    let alice = site.alice().await;
    let cookie = |name: &str| format!("{name}={}", alice.cookie(name).unwrap().value);
    let url = format!("http://{}/page", site.address);
    let request = || Request::builder().uri(&url).header(header::COOKIE, "theme=dark");

    let split = request().header(header::COOKIE, cookie(ACCESS)).header(header::COOKIE, cookie(REFRESH));
    assert_eq!(send(split.body(Full::default()).unwrap()).await.body(), "alice:");

    let twice = request().header(header::COOKIE, cookie(ACCESS)).header(header::COOKIE, cookie(ACCESS));
    let refused = send(twice.body(Full::default()).unwrap()).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.body().contains("duplicate_cookie"), "{}", refused.body());
}

#[tokio::test]
async fn the_authority_is_the_host() {
    let site = Site::start().await;
    let alice = site.alice().await;
    let csrf = &alice.cookie("__Host-csrf_access_token").unwrap().value;
    let post = |origin: String| {
        Request::post(format!("http://{}/page", site.address))
            .header(header::COOKIE, format!("{ACCESS}={}", alice.cookie(ACCESS).unwrap().value))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin)
            .body(Full::from(format!("csrf_token={csrf}")))
            .unwrap()
    };
    let here = send(post(format!("https://{}", site.address))).await;
    assert_eq!(here.body(), &format!("alice:csrf_token={csrf}"));
    assert_eq!(send(post("https://evil.example".to_owned())).await.status(), 403);
}
