//! Builds tables from lists of all shapes and sizes, and checks that each table contains exactly the passwords in its
//! list.

use std::path::PathBuf;

use super::*;

/// Writes a list to a new folder, and builds a table from the list. Only three prefixes are sorted in memory at once,
/// so even a short list is sorted in several runs.
fn build(list: &[u8]) -> (tempfile::TempDir, PathBuf, Result<TableSummary, PasswordTableError>) {
    let folder = tempfile::tempdir().unwrap();
    let (source, table) = (folder.path().join("list.txt"), folder.path().join("list.table"));
    std::fs::write(&source, list).unwrap();
    let built = PasswordTable::build_in_runs(&source, &table, 3);
    (folder, table, built)
}

#[test]
fn the_shipped_list_has_at_least_ten_thousand_passwords_in_sixty_kilobytes() {
    let common = PasswordTable::common().unwrap();
    assert!(common.len() >= 10_000, "{}", common.len());
    assert!(COMMON.len() < 60_000, "{}", COMMON.len());
    assert!(common.contains("password").unwrap() && common.contains("12345678").unwrap());
    assert!(!common.contains("correct horse battery staple").unwrap() && !common.contains("").unwrap());
}

#[test]
fn a_table_has_the_passwords_of_its_list_and_no_others() {
    let words: Vec<String> = (0..100).map(|number| format!("word{number}")).collect();
    let list = format!("\u{feff}{}\r\n\n{}\nword7\ncafe\u{301}", words[..50].join("\r\n"), words[50..].join("\n"));
    let (_folder, path, built) = build(list.as_bytes());
    assert_eq!(built.unwrap(), TableSummary { passwords: 101, left_out: 0, bytes: 16 + 8 * 101 });
    let table = PasswordTable::open(&path).unwrap();
    assert_eq!((table.len(), table.is_empty()), (101, false));
    for word in &words {
        assert!(table.contains(word).unwrap(), "{word}");
        assert!(!table.contains(&format!("{word}!")).unwrap());
    }
    assert!(table.contains("caf\u{e9}").unwrap());
    assert!(!table.contains("").unwrap());
}

#[test]
fn a_list_of_hashes_gives_the_same_table() {
    let passwords = ["password", "hunter2", "letmein", "correct horse", "a:1"];
    let hash = |password: &str| {
        let hash = Sha1::digest(password.as_bytes());
        hash.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    let lines: Vec<String> = passwords.iter().map(|password| format!("{}:12", hash(password))).collect();
    let (_one, hashes, built) = build(lines.join("\r\n").as_bytes());
    assert_eq!(built.unwrap().passwords, 5);
    let (_two, plain, built) = build(passwords.join("\n").as_bytes());
    assert_eq!(built.unwrap().passwords, 5);
    assert_eq!(std::fs::read(hashes).unwrap(), std::fs::read(plain).unwrap());
}

#[test]
fn bad_lists_are_refused_with_the_line() {
    let hash = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:1";
    let long = "x".repeat(70_000);
    for (list, expected) in [
        (format!("{hash}\npassword\n"), "line 2 of "),
        (format!("{hash}\n{}\n", &hash[..40]), "SHA1:COUNT"),
        ("\n5BAA61E4C9B93F3F0682250B6CF8331B:7\n".to_owned(), "is an NTLM hash"),
        ("5BAA61E4C9B93F3F0682250B6CF8331B7EE:7\n".to_owned(), "as a single file"),
        (long, "longer than 64 KiB"),
    ] {
        let (_folder, table, built) = build(list.as_bytes());
        let error = built.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!table.exists(), "{expected}");
    }
    for (list, expected) in [
        (&b""[..], "list.txt contains no passwords (0 lines are not UTF-8 or"),
        (b"\n\r\n\n", "contains no passwords (0 lines"),
        (b"\xff\xfe\n\xff\n", "contains no passwords (2 lines"),
        (b"\x1f\x8b\x08\x00\ngood\n", "list.txt begins like a compressed file; decompress the list first"),
        (b"PK\x03\x04\ngood\n", "begins like a compressed file"),
    ] {
        let (_folder, table, built) = build(list);
        let error = built.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!table.exists(), "{expected}");
    }
    let (_folder, _, built) = build(b"good\n\xff\xfe\n");
    assert_eq!(built.unwrap(), TableSummary { passwords: 1, left_out: 1, bytes: 24 });
    // An existing table is not overwritten.
    let (folder, table, built) = build(b"good\n");
    built.unwrap();
    let again = PasswordTable::build(folder.path().join("list.txt"), &table).unwrap_err().to_string();
    assert!(again.ends_with("already exists; remove the file, or choose another file with --out"), "{again}");
    let missing = PasswordTable::build(folder.path().join("none"), folder.path().join("new")).unwrap_err().to_string();
    assert!(missing.ends_with("none cannot be read"), "{missing}");
}

#[test]
fn what_is_not_a_whole_table_is_refused() {
    let (_folder, table, built) = build(b"one\ntwo\n");
    built.unwrap();
    let bytes = std::fs::read(&table).unwrap();
    let mut empty = bytes[..HEADER].to_vec();
    empty[8..].fill(0);
    let mut wrong_prefix = bytes.clone();
    wrong_prefix[7] = 9;
    for (bytes, why) in [
        (&bytes[..bytes.len() - 1], "is not a complete table of passwords"),
        (&bytes[..10], "is not a table of passwords"),
        (&b"password\n12345678\nqwertyuiop\n"[..], "is not a table of passwords"),
        (&wrong_prefix, "is not a table of passwords"),
        (&empty, "is a table without passwords"),
        (&[], "is not a table of passwords"),
    ] {
        std::fs::write(&table, bytes).unwrap();
        let error = PasswordTable::open(&table).unwrap_err().to_string();
        assert!(error.contains(why) && error.ends_with("hardtack passwords build FILE"), "{error}");
    }
    let error = PasswordTable::open(table.parent().unwrap()).unwrap_err();
    let error = hardtack::error::WithCauses(&error).to_string();
    assert!(error.contains("cannot be read: it is not a regular file"), "{error}");
}
