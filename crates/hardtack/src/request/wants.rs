//! Whether the client is a browser or an API client.

use super::Headers;

/// What kind of response a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wants {
    /// A browser that navigates to a page: it accepts `text/html` and follows redirects.
    Page,
    /// htmx: it requests parts of pages, and is redirected with `HX-Redirect`.
    Htmx,
    /// Any other client: it gets JSON.
    Api,
}

impl Wants {
    /// Determines the kind of response from the header fields `HX-Request` and `Accept` (RFC 9110 section 12.5.1).
    ///
    /// A client gets a page if its `Accept` header lists `text/html`, unless `application/json` has a higher quality
    /// value. A client that sends only `*/*` counts as an API client.
    pub fn of(headers: &dyn Headers) -> Self {
        if headers.value("hx-request", 0) == Some(b"true") {
            return Self::Htmx;
        }
        let (mut html, mut json) = (0, 0);
        for value in (0..).map_while(|index| headers.value("accept", index)) {
            for range in String::from_utf8_lossy(value).split(',') {
                let mut parts = range.split(';').map(str::trim);
                let Some(media) = parts.next() else { continue };
                let quality = parts.find_map(|p| p.strip_prefix("q=").or(p.strip_prefix("Q="))).map_or(1000, per_mille);
                match media.to_ascii_lowercase().as_str() {
                    "text/html" | "application/xhtml+xml" => html = html.max(quality),
                    "application/json" | "application/problem+json" => json = json.max(quality),
                    _ => {}
                }
            }
        }
        if html > 0 && html >= json { Self::Page } else { Self::Api }
    }
}

/// Parses a quality value (`0`, `0.8`, `1.000`) and returns it in thousandths. If the text is not a number, returns
/// zero.
fn per_mille(text: &str) -> u32 {
    text.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| (q * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::TestRequest;

    proptest! {
        /// Only the quality values of `text/html` and `application/json` matter. Neither the order of the media types
        /// nor the number of `Accept` fields makes a difference.
        #[test]
        fn other_media_types_change_nothing(
            html in prop::option::of(0..=1000_u32),
            json in prop::option::of(0..=1000_u32),
            others in prop::collection::vec("[a-z*/+;=. \"\u{e9}]{0,12}", 0..4),
            html_first in any::<bool>(),
        ) {
            prop_assume!(others.iter().all(|other| !other.contains("html") && !other.contains("json")));
            let range = |media: &str, quality: u32| format!("{media};q={}.{:03}", quality / 1000, quality % 1000);
            let mut ranges = others.clone();
            let known = [html.map(|quality| range("text/html", quality)), json.map(|quality| range("application/json", quality))];
            ranges.extend(known.into_iter().flatten());
            if html_first {
                ranges.reverse();
            }
            let expected = match (html, json) {
                (Some(html), json) if html > 0 && html >= json.unwrap_or(0) => Wants::Page,
                _ => Wants::Api,
            };
            prop_assert_eq!(wants(&ranges.join(",")), expected);
            let request = TestRequest::new("GET", "/").fields(ranges.iter().map(|range| ("accept", range)));
            prop_assert_eq!(Wants::of(&request), expected);
        }
    }

    fn wants(accept: &str) -> Wants {
        Wants::of(&TestRequest::new("GET", "/").field("accept", accept))
    }

    #[test]
    fn browsers_want_pages_and_api_clients_want_json() {
        assert_eq!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Wants::Page);
        assert_eq!(wants("*/*"), Wants::Api);
        assert_eq!(wants("application/json"), Wants::Api);
        assert_eq!(wants("application/json, text/html;q=0.5"), Wants::Api);
        assert_eq!(wants("text/html;q=0"), Wants::Api);
        assert_eq!(wants("text/html;q=nonsense"), Wants::Api);
        assert_eq!(wants(""), Wants::Api);
    }

    #[test]
    fn htmx_requests_are_recognised() {
        let request = TestRequest::new("GET", "/").field("hx-request", "true").field("accept", "*/*");
        assert_eq!(Wants::of(&request), Wants::Htmx);
    }
}
