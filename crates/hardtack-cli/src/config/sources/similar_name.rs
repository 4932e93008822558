//! Suggestions for mistyped names.

/// Returns the known name that is closest to a mistyped name. Returns `None` if no known name is close enough.
pub(super) fn similar_name<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    let (distance, name) = known.map(|name| (distance(&typed, &name.to_ascii_lowercase()), name)).min()?;
    (distance <= 2.max(name.len() / 4)).then_some(name)
}

/// Returns the Levenshtein distance: how many bytes must be inserted, removed or replaced to turn `one` into `other`.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_close_names_are_suggested() {
        let known = ["listen", "leeway", "base_url"];
        assert_eq!(similar_name("lisen", known.into_iter()), Some("listen"));
        assert_eq!(similar_name("Base-URL", known.into_iter()), Some("base_url"));
        assert_eq!(similar_name("database", known.into_iter()), None);
    }
}
