//! Forged and misplaced tokens. Each is refused and deleted, and never refreshed, even if a valid refresh token is sent
//! with it.

mod claims;
mod keys;
mod spelling;

use hardtack_test_support::client::{Client, Response};
use serde_json::{Value, json};

use crate::support::*;

/// A user who is logged in, whose valid cookies are sent along with the forged ones.
pub(crate) struct Victim {
    pub(crate) site: TestSite,
    pub(crate) browser: Client,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Victim {
    pub(crate) async fn at(options: Options) -> Self {
        let site = TestSite::start(options).await;
        let browser = site.person("alice").await;
        let (access, refresh) = (cookie(&browser, ACCESS), cookie(&browser, REFRESH));
        Self { site, browser, access, refresh }
    }

    pub(crate) async fn new() -> Self {
        Self::at(Options::default()).await
    }

    /// The claims of the valid access token.
    fn claims(&self) -> Value {
        claims(&self.access)
    }

    /// A token signed by the site, with one claim changed; `null` removes the claim.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        forge(USUAL_HEADER, &claims.to_string())
    }

    /// The victim's claims with another header.
    fn with_header(&self, header: &str) -> String {
        forge(header, &self.claims().to_string())
    }

    /// The user as whom a request with only this access cookie is accepted, or the status.
    pub(crate) async fn accepted(&self, token: &str) -> Result<String, u16> {
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={token}")).send().await;
        match response.status().as_u16() {
            200 => Ok(response.json()["username"].as_str().unwrap().to_owned()),
            status => Err(status),
        }
    }

    /// Asserts that the access cookie is refused: alone, and with a valid refresh token.
    async fn refuses(&self, what: &str, token: impl AsRef<[u8]>) {
        let alone = [ACCESS.as_bytes(), b"=", token.as_ref()].concat();
        let beside = [alone.as_slice(), format!("; {REFRESH}={}", self.refresh).as_bytes()].concat();
        for cookies in [alone, beside] {
            let mut client = self.site.client();
            let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
            assert_refused_api_client(what, &response);
            let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
            assert_refused_page(what, &response);
            // A page that needs no user shows none, and the response deletes the cookies.
            let response = client.get("/").accept_json().raw_cookie_header(&cookies).send().await;
            assert_eq!((response.status().as_u16(), response.json()["user"].is_null()), (200, true), "{what}");
            assert_unset(what, &response);
        }
    }

    /// Asserts that the access cookie counts as absent and is left alone, as that of another application on the host.
    async fn ignores(&self, what: &str, token: &str) {
        let mut client = self.site.client();
        let pair = format!("{ACCESS}={token}");
        let response = client.get("/service").accept_json().raw_cookie_header(&pair).send().await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("missing_token")), "{what}");
        assert!(response.set_cookies().is_empty(), "{what}");
        let response = client.get("/").accept_json().raw_cookie_header(&pair).send().await;
        assert_eq!((response.status().as_u16(), response.json()["user"].is_null()), (200, true), "{what}");
        assert!(response.set_cookies().is_empty(), "{what}");
    }

    /// Asserts that the refresh cookie is refused without an access cookie: in place, and at the refresh route.
    pub(crate) async fn refuses_refresh(&self, what: &str, token: impl AsRef<[u8]>) {
        let cookies = [REFRESH.as_bytes(), b"=", token.as_ref()].concat();
        let csrf = claims(&self.refresh)["csrf"].as_str().unwrap().to_owned();
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
        assert_refused_api_client(what, &response);
        let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
        assert_refused_page(what, &response);
        let request = client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf);
        assert_refused_api_client(what, &request.raw_cookie_header(&cookies).send().await);
        let request = client.post("/token/refresh").accept_html().header("x-csrf-token", &csrf);
        let response = request.raw_cookie_header(&cookies).send().await;
        assert_eq!(response.status(), 303, "{what}");
        assert!(response.location().unwrap().starts_with("/login"), "{what}: {:?}", response.location());
        assert_unset(what, &response);
    }
}

pub(crate) fn assert_refused_api_client(what: &str, response: &Response) {
    assert_eq!(response.status(), 401, "{what}: {} {}", response.path(), response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}");
    assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"), "{what}");
    assert!(!response.text().contains("alice"), "{what}: {}", response.text());
    assert_unset(what, response);
}

pub(crate) fn assert_refused_page(what: &str, response: &Response) {
    assert_eq!(response.status(), 303, "{what}: {}", response.text());
    assert_eq!(response.location(), Some("/login?next=%2Fservice&ended=1"), "{what}");
    assert_unset(what, response);
}

/// Asserts that all four cookies are deleted, and no others set.
fn assert_unset(what: &str, response: &Response) {
    let cookies = response.set_cookies();
    let mut names: Vec<&str> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [ACCESS, "csrf_access_token", "csrf_refresh_token", REFRESH], "{what}");
    for cookie in cookies {
        assert!(cookie.is_deletion() && cookie.value.is_empty(), "{what}: {}", cookie.raw);
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The three segments of a token.
pub(crate) fn segments(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// The control for the tests below: the tokens that they sign are valid until changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_tests_sign_is_accepted() {
    let victim = Victim::new().await;
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
    assert_eq!(victim.accepted(&forge(USUAL_HEADER, &victim.claims().to_string())).await.as_deref(), Ok("alice"));
    assert_eq!(victim.accepted(&victim.with_header(r#"{"typ":"JWT","alg":"HS256"}"#)).await.as_deref(), Ok("alice"));
}
