//! Finds field values at the beginning of a multipart form (RFC 7578, RFC 2046 section 5.1).

/// Returns the values of the fields with this name. Leaves out a field if `body` ends in the middle of it.
pub(super) fn values<'a>(body: &'a [u8], boundary: &[u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut delimiter = b"\r\n--".to_vec();
    delimiter.extend_from_slice(boundary);
    let mut rest = first_part(body, &delimiter);
    std::iter::from_fn(move || {
        loop {
            let part = after_line_end(rest?)?;
            let headers_end = position(part, b"\r\n\r\n")?;
            let content = &part[headers_end + 4..];
            // If a part is empty, the next delimiter starts with the line end after the part's headers.
            let content_end = position(&part[headers_end + 2..], &delimiter)?;
            rest = part.get(headers_end + 2 + content_end + delimiter.len()..);
            if field_name(&part[..headers_end]) == Some(name) {
                return Some(&content[..content_end.saturating_sub(2)]);
            }
        }
    })
}

/// Returns the bytes after the first delimiter, which may be at the very beginning of the body.
fn first_part<'a>(body: &'a [u8], delimiter: &[u8]) -> Option<&'a [u8]> {
    let at_start = &delimiter[2..];
    match body.strip_prefix(at_start) {
        Some(rest) => Some(rest),
        None => body.get(position(body, delimiter)? + delimiter.len()..),
    }
}

/// Skips the rest of a delimiter's line. Returns `None` after the closing delimiter.
fn after_line_end(rest: &[u8]) -> Option<&[u8]> {
    if rest.starts_with(b"--") {
        return None;
    }
    rest.get(position(rest, b"\r\n")? + 2..)
}

/// Returns the name in a part's `Content-Disposition`, if the part is a plain field and not a file.
fn field_name(headers: &[u8]) -> Option<&[u8]> {
    let line = headers.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find_map(|line| {
        let name = b"content-disposition:";
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    })?;
    let mut found = None;
    for parameter in parameters(line) {
        let Some(equals) = parameter.iter().position(|byte| *byte == b'=') else { continue };
        let (key, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        if key.eq_ignore_ascii_case(b"filename") || key.eq_ignore_ascii_case(b"filename*") {
            return None;
        }
        if key.eq_ignore_ascii_case(b"name") {
            found = Some(value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value));
        }
    }
    found
}

/// Splits a line at the semicolons that are outside quotes.
fn parameters(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b';' && !quoted
    })
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str) -> Vec<String> {
        values(body.as_bytes(), b"b", b"t").map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    }

    #[test]
    fn incomplete_values_are_ignored() {
        let part = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nvalue\r\n";
        assert_eq!(all(&format!("{part}--b--\r\n")), ["value"]);
        assert_eq!(all(part), [""; 0]);
        assert_eq!(all(&format!("preamble\r\n{part}{part}--b--")), ["value", "value"]);
        assert_eq!(all("--b\r\ncontent-disposition: form-data; name=t\r\n\r\n\r\n--b--"), [""]);
        assert_eq!(all(&format!("--b--\r\n{part}--b--")), [""; 0]);
    }

    #[test]
    fn files_and_other_fields_are_ignored() {
        for disposition in
            ["name=\"t\"; filename=\"x\"", "name=\"tt\"", "name=\"x; name=t\"", "filename*=utf-8''t; name=t"]
        {
            let body = format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nvalue\r\n--b--\r\n");
            assert_eq!(all(&body), [""; 0], "{disposition}");
        }
    }
}
