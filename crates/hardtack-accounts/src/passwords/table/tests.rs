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
    // Without the counts, and in lower case.
    let bare: Vec<String> = passwords.iter().map(|password| hash(password).to_lowercase()).collect();
    let (_bare, without_counts, built) = build(bare.join("\n").as_bytes());
    assert_eq!(built.unwrap().passwords, 5);
    assert_eq!(std::fs::read(&hashes).unwrap(), std::fs::read(without_counts).unwrap());
    let (_two, plain, built) = build(passwords.join("\n").as_bytes());
    assert_eq!(built.unwrap().passwords, 5);
    assert_eq!(std::fs::read(hashes).unwrap(), std::fs::read(plain).unwrap());
}

/// All of these lines used to be read as passwords.
#[test]
fn lists_of_hashes_that_cannot_be_used_are_refused() {
    let sha1 = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    let digits = |count: usize| "0123456789abcdef".repeat(8)[..count].to_owned();
    for (line, expected) in [
        (digits(32), "looks like an NTLM or MD5 hash"),
        (format!("{}:7", digits(64)), "looks like a SHA-256 hash"),
        (digits(96), "looks like a SHA-384 hash"),
        (digits(128), "looks like a SHA-512 hash"),
        (digits(35), "lacks the first five digits"),
        (format!("{sha1} 7"), "looks like a SHA-1 hash with other text beside it"),
        (format!("{sha1}\t7"), "with other text beside it"),
        (format!("{sha1} "), "with other text beside it"),
        (format!("{sha1}:"), "with other text beside it"),
        (format!("\"{sha1}\",\"7\""), "with other text beside it"),
        (format!("      7 {sha1}"), "with other text beside it"),
        (format!("ada:{sha1}"), "with other text beside it"),
        ("$2b$12$vI8aWBnW3fID.ZQ4/zo1G.q1lRps.9cGLcZEiGDMVr5yUP1KUOYTa".to_owned(), "looks like a salted hash"),
    ] {
        // A header, as in CSV files, makes no difference.
        for (list, number) in [(format!("{line}\n"), 1), (format!("hash,count\n{line}\n{line}\n"), 2)] {
            let (_folder, table, built) = build(list.as_bytes());
            let error = built.expect_err(&line).to_string();
            assert!(error.starts_with(&format!("line {number} of ")) && error.contains(expected), "{line}: {error}");
            assert!(!table.exists(), "{line}");
        }
    }
    let (_folder, _, built) = build(format!("hash\n{sha1}\n{sha1}:7\n").as_bytes());
    let error = built.unwrap_err().to_string();
    assert!(error.contains("line 2 of ") && error.contains("the first line is not; remove the lines"), "{error}");

    // Some people use such text as their password.
    let (_folder, table, built) = build(format!("good\nbetter\n{sha1}\n{}\n", digits(32)).as_bytes());
    assert_eq!(built.unwrap().passwords, 4);
    assert!(PasswordTable::open(table).unwrap().contains(sha1).unwrap());
}

/// The content of the file used to be trusted after the file was opened, so a password on the list could be accepted.
#[test]
fn a_table_that_changes_after_it_was_opened_refuses_to_check() {
    use std::io::Write as _;

    let overwritten = |file: &mut File| file.write_all(&[0; 32]);
    let truncated = |file: &mut File| file.set_len(16);
    let extended = |file: &mut File| file.set_len(4096);
    for change in [overwritten as fn(&mut File) -> io::Result<()>, truncated, extended] {
        let (_folder, path, built) = build(b"one\ntwo\n");
        built.unwrap();
        let mut file = File::options().write(true).open(&path).unwrap();
        // Two writes within a few milliseconds can have the same time.
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let table = PasswordTable::open(&path).unwrap();
        assert!(table.contains("one").unwrap() && !table.contains("three").unwrap());
        change(&mut file).unwrap();
        for password in ["one", "three"] {
            let error = table.contains(password).unwrap_err().to_string();
            assert!(error.contains(&format!("the password table {} has changed since", path.display())), "{error}");
        }
    }
    // The old file is still read after it has been replaced.
    let (_folder, path, built) = build(b"one\ntwo\n");
    built.unwrap();
    let table = PasswordTable::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(table.contains("one").unwrap() && !table.contains("three").unwrap());
}

#[test]
fn bad_lists_are_refused_with_the_line() {
    let hash = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:1";
    let long = "x".repeat(70_000);
    for (list, expected) in [
        (format!("{hash}\npassword\n"), "line 2 of "),
        (format!("{hash}\n{hash}7x\n"), "is not SHA1 or SHA1:COUNT like"),
        ("\n5BAA61E4C9B93F3F0682250B6CF8331B:7\n".to_owned(), "line 2 of "),
        ("\n5BAA61E4C9B93F3F0682250B6CF8331B:7\n".to_owned(), "looks like an NTLM or MD5 hash"),
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
        (b"\xff\xfd\n\xff\n", "contains no passwords (2 lines"),
        (b"\xff\xfeg\0o\0\n\0", "is UTF-16 text; convert the list to UTF-8 first, with: iconv"),
        (b"\xfe\xff\0g\0o\0\n", "is UTF-16 text"),
        (b"g\0o\0\n\0", "is UTF-16 text"),
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
