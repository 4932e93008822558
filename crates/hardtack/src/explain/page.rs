//! The page that explains the latest requests.

use std::fmt::Write as _;

use super::{Explanation, Outcome, Step, Verdict, when};
use crate::clock::Timestamp;
use crate::html::escaped;

/// The page's style sheet. Its hash is part of the page's Content-Security-Policy.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1d2430;--soft:#5b6675;--line:#d9dee6;--card:#fff;--back:#f4f6f9;--good:#1a7f4b;\
--bad:#b3261e;--bad-back:#fdeceb;--note:#8a5a00;--advice:#eaf2fd}\
@media (prefers-color-scheme:dark){:root{--text:#e4e8ee;--soft:#9aa6b6;--line:#323b48;--card:#1b212a;--back:#12161c;\
--good:#56c48b;--bad:#ff8a80;--bad-back:#3a1d1c;--note:#e0b45a;--advice:#1c2b40}}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:2rem 1rem 4rem;max-width:62rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);\
background:var(--back)}\
h1{margin:0 0 .25rem;font-size:1.6rem}h2{margin:0;font-size:1.05rem;overflow-wrap:anywhere}\
p{margin:.25rem 0 1rem}code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}\
.soft{color:var(--soft)}\
article{margin:1rem 0;padding:1rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem}\
article.refused{border-left:.35rem solid var(--bad)}article.accepted{border-left:.35rem solid var(--good)}\
article.visitor{border-left:.35rem solid var(--note)}\
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;justify-content:space-between}\
.outcome{font-weight:600}.refused .outcome{color:var(--bad)}.accepted .outcome{color:var(--good)}\
.visitor .outcome{color:var(--note)}\
ol{list-style:none;margin:.75rem 0 0;padding:0}\
li{display:grid;grid-template-columns:1.5rem 7.5rem 1fr;gap:.5rem;padding:.3rem .5rem;border-top:1px solid var(--line)}\
li b{font-weight:600}li span{overflow-wrap:anywhere}\
li.passed i{color:var(--good)}li.noted i{color:var(--note)}li.skipped{color:var(--soft)}\
li.refused{background:var(--bad-back);border-radius:.3rem}li.refused i,li.refused b{color:var(--bad)}\
i{font-style:normal;font-weight:700}\
.advice{margin:.75rem 0 0;padding:.6rem .75rem;background:var(--advice);border-radius:.4rem}\
@media (max-width:40rem){li{grid-template-columns:1.5rem 1fr;row-gap:0}li span{grid-column:2}}";

/// Returns the page as HTML. `notices` lists the setup mistakes that this process has noticed.
pub(crate) fn page(explanations: &[Explanation], notices: &[String], origin: &str, now: Timestamp) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Why was I logged out?</title>\
         <style>{STYLE}</style><h1>Why was I logged out?</h1>\
         <p class=\"soft\">The latest requests to {origin} that needed a token, newest first. Reload this page to \
         update it. A refusal can delete the cookies. Later requests then have no cookies, so look for the first \
         refusal. The application has turned on this page with <code>explain_refusals()</code>. Only browsers on this \
         machine can see it.</p>",
        origin = escaped(origin),
    );
    if !notices.is_empty() {
        html.push_str("<article class=\"refused\"><h2>Mistakes in the setup</h2><ol>");
        for notice in notices {
            let _ = write!(html, "<li class=\"noted\"><i>!</i><b>setup</b><span>{}</span></li>", marked(notice));
        }
        html.push_str("</ol></article>");
    }
    if explanations.is_empty() {
        html.push_str("<p>No request has needed a token yet.</p>");
    }
    for explanation in explanations {
        article(&mut html, explanation, now);
    }
    html
}

fn article(html: &mut String, explanation: &Explanation, now: Timestamp) {
    let Explanation { at, what, outcome, steps, advice } = explanation;
    // Writing to a String cannot fail.
    let _ = write!(
        html,
        "<article class=\"{}\"><header><h2>{}</h2><span class=\"outcome\">{}</span></header>\
         <span class=\"soft\">{}</span><ol>",
        outcome.name(),
        escaped(what),
        escaped(&outcome.to_string()),
        escaped(&when::ago(*at, now)),
    );
    for Step { check, verdict, text } in steps {
        let mark = match verdict {
            Verdict::Passed => "✓",
            Verdict::Noted => "!",
            Verdict::Refused => "✗",
            Verdict::Skipped => "–",
        };
        let _ = write!(
            html,
            "<li class=\"{}\"><i title=\"{0}\">{mark}</i><b>{}</b><span>{}</span></li>",
            verdict.name(),
            check.name(),
            marked(text),
        );
    }
    html.push_str("</ol>");
    if let Some(advice) = advice {
        let label = if matches!(outcome, Outcome::Accepted) { "Note" } else { "What to change" };
        let _ = write!(html, "<p class=\"advice\"><b>{label}:</b> {}</p>", marked(advice));
    }
    html.push_str("</article>");
}

/// Escapes text. Each part between two backticks becomes a `<code>` element.
fn marked(text: &str) -> String {
    let text = escaped(text);
    // If the number of backticks is odd, the last one is kept as text.
    let pairs = text.matches('`').count() / 2;
    let mut html = String::with_capacity(text.len() + pairs * 11);
    for (index, part) in text.splitn(pairs * 2 + 1, '`').enumerate() {
        if index > 0 {
            html.push_str(if index % 2 == 1 { "<code>" } else { "</code>" });
        }
        html.push_str(part);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Check;

    #[test]
    fn text_of_a_request_is_escaped() {
        let explanation = Explanation {
            at: Timestamp::from_unix_seconds(1),
            what: "GET /<script>".to_owned(),
            outcome: Outcome::Refused("unknown_key"),
            steps: vec![Step::new(Check::Signature, Verdict::Refused, "the `kid` is \"<b>\"")],
            advice: Some("Set `.realm(\"shop\")`.".to_owned()),
        };
        let html = page(&[explanation], &["<i>".to_owned()], "http://localhost", Timestamp::from_unix_seconds(60));
        for part in [
            "GET /&lt;script&gt;",
            "the <code>kid</code> is &quot;&lt;b&gt;&quot;",
            "<code>.realm(&quot;shop&quot;)</code>",
            "&lt;i&gt;",
            "59 seconds ago",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
        assert!(!html.contains("<script") && !html.contains("<b>\""));
    }

    #[test]
    fn backticks_mark_code() {
        assert_eq!(marked("a `b` c `d"), "a <code>b</code> c `d");
        assert_eq!(marked("a"), "a");
        assert_eq!(marked("`a`"), "<code>a</code>");
    }
}
