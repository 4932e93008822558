//! Builds form bodies byte by byte.

pub(crate) const URLENCODED: &str = "application/x-www-form-urlencoded";
pub(crate) const MULTIPART: &str = "multipart/form-data; boundary=edge";

/// Builds a body of the type [`MULTIPART`]. Each part is given as the parameters of its `Content-Disposition` field,
/// and its content.
pub(crate) fn multipart_body(parts: &[(&str, &str)]) -> String {
    let part = |(disposition, value): &(&str, &str)| {
        format!("--edge\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).chain(["--edge--\r\n".to_owned()]).collect()
}
