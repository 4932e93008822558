//! The differences that `docs/coming-from-flask.md` lists with their reasons.

use std::sync::atomic::{AtomicUsize, Ordering};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/coming-from-flask.md"));
const HEAD: &str = "| requests | parts | Flask | Hardtack | why |";

/// A row of the table: for the given requests, the given parts of the two responses may differ if the responses have
/// the given statuses.
#[derive(Debug)]
pub(super) struct Difference {
    requests: Vec<String>,
    parts: Vec<String>,
    flask: u64,
    ours: u64,
    seen: AtomicUsize,
}

impl Difference {
    fn read(row: &str) -> Self {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [requests, parts, flask, ours, why] = cells[..] else { panic!("five columns in the table, not: {row}") };
        assert!(!why.is_empty(), "a reason in the last column: {row}");
        let status = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("a status in place of {cell:?}: {row}"));
        // Requests are between backticks, because they contain commas.
        let requests = requests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let parts = parts.split(", ").map(str::to_owned).collect();
        Self { requests, parts, flask: status(flask), ours: status(ours), seen: AtomicUsize::new(0) }
    }

    fn covers(&self, case: &str, parts: &[&str], flask: u64, ours: u64) -> bool {
        (self.flask, self.ours) == (flask, ours)
            && parts.iter().all(|part| self.parts.iter().any(|allowed| allowed == part))
            && self.requests.iter().any(|pattern| matches(pattern, case))
    }
}

/// The whole table.
#[derive(Debug)]
pub(super) struct Differences(Vec<Difference>);

impl Differences {
    /// Reads the table in the documentation.
    pub(super) fn documented() -> Self {
        Self::read(PAGE)
    }

    fn read(page: &str) -> Self {
        let mut lines = page.lines().skip_while(|line| *line != HEAD).skip(2);
        Self(lines.by_ref().take_while(|line| line.starts_with('|')).map(Difference::read).collect())
    }

    /// An empty table.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns whether a difference is listed, and counts it for its row.
    pub(super) fn allow(&self, case: &str, parts: &[&str], flask: u64, ours: u64) -> bool {
        let row = self.0.iter().find(|row| row.covers(case, parts, flask, ours));
        row.is_some_and(|row| row.seen.fetch_add(1, Ordering::Relaxed) < usize::MAX)
    }

    /// Returns the rows that no difference matched. Such rows are outdated.
    pub(super) fn unseen(&self) -> Vec<&Difference> {
        self.0.iter().filter(|row| row.seen.load(Ordering::Relaxed) == 0).collect()
    }

    /// Returns the number of requests that each row matched.
    pub(super) fn counts(&self) -> Vec<usize> {
        self.0.iter().map(|row| row.seen.load(Ordering::Relaxed)).collect()
    }
}

/// Returns whether the text matches the pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text
            .strip_prefix(before)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(after, &rest[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Differences, HEAD, matches};

    #[test]
    fn patterns() {
        for (pattern, text) in [("a/b", "a/b"), ("*/b", "a/b"), ("*/b*", "x/a/bc"), ("*", ""), ("a*c*", "abcd")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a/b", "a/bc"), ("*/b", "a/bc"), ("a*c", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn only_listed_differences_are_allowed() {
        let row = "| `*/token/kid null`, `*/json/*` | body, status | 500 | 422 | Flask crashes |";
        let page = format!("text\n\n{HEAD}\n| --- | --- | --- | --- | --- |\n{row}\n\n| no | row |\n");
        let listed = Differences::read(&page);
        assert_eq!(listed.unseen().len(), 1);
        assert!(!listed.allow("a/token/kid none", &["status"], 500, 422), "another request");
        assert!(!listed.allow("a/json/x", &["status", "cookies"], 500, 422), "another part");
        assert!(!listed.allow("a/json/x", &["status"], 500, 200), "another status");
        assert_eq!(listed.unseen().len(), 1);
        assert!(listed.allow("a/json/x", &["status", "body"], 500, 422));
        assert_eq!((listed.unseen().len(), listed.counts()), (0, vec![1]));
        assert!(!Differences::none().allow("a/json/x", &["status"], 500, 422));
    }
}
