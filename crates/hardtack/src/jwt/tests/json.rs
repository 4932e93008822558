//! Tests for the strict reader of JSON objects.

use crate::jwt::{
    TokenError,
    json::unique_members::{Json, read_object},
};

fn names(text: &str) -> Result<Vec<String>, TokenError> {
    let mut names = Vec::new();
    read_object(text.as_bytes(), |name, _| {
        names.push(name.to_owned());
        Ok(())
    })?;
    Ok(names)
}

#[test]
fn members_are_read_in_order() {
    assert_eq!(names(r#"{"b":1,"a":[{"c":null}],"\u0063":{}}"#).unwrap(), ["b", "a", "c"]);
    assert_eq!(names(" {} ").unwrap(), [""; 0]);
}

#[test]
fn s19_duplicates_are_refused_at_any_depth() {
    for text in
        [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"a":{"b":1,"b":1}}"#, r#"{"a":[[{"b":1,"b":1}]]}"#]
    {
        assert_eq!(names(text), Err(TokenError::DuplicateMember), "{text}");
    }
    assert!(names(r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#).is_ok());
}

#[test]
fn a_text_that_is_not_one_object_is_refused() {
    for text in [
        "",
        "[]",
        "1",
        "\"a\"",
        "null",
        "{",
        "{}{}",
        "{} x",
        "{'a':1}",
        r#"{"a":01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"\ud800"}"#,
    ] {
        assert_eq!(names(text), Err(TokenError::Malformed), "{text}");
    }
    assert_eq!(read_object(b"{\"a\":\"\xff\"}", |_, _| Ok(())), Err(TokenError::Malformed));
}

#[test]
fn the_error_of_the_callback_is_returned() {
    let refused = read_object(b"{\"a\":1}", |_, value| match value {
        Json::Unsigned(1) => Err(TokenError::BadClaim("a")),
        _ => Ok(()),
    });
    assert_eq!(refused, Err(TokenError::BadClaim("a")));
}
