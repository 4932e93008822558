//! Tests which user names are accepted, and which names count as the same.

use proptest::prelude::*;

use super::fold::{fold, skeleton};
use super::*;

fn check(name: &str) -> Result<NewName, UserNameProblem> {
    NameRules::default().check(name)
}

#[test]
fn s79_letters_and_marks_of_every_script_are_taken() {
    for name in [
        "alice",
        "Jörg",
        "a.b-c_d",
        "me@site.example",
        "me+you",
        "名前",
        "हिन्दी",
        "น้องส้ม",
        "σας",
        "Ελλάδα",
        "Привет",
        "مريم",
        "שרה",
        "한글",
        "ქართული",
        "தமிழ்",
        "አማርኛ",
        "ᏣᎳᎩ",
        "l·l",
        "3com",
        // A joiner that changes the shape of the letters next to it.
        "می\u{200c}خواهم",
        "ක්\u{200d}ෂ",
        // Adlam and Osage, two scripts that are newer than RFC 8264's tables.
        "𞤀𞤣𞤤𞤢𞤥",
        "𐓏𐓘𐓻𐓘𐓻𐓟",
    ] {
        let checked = check(name).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(checked.shown, name);
        // RFC 8264 allows the Catalan middle dot only between lower-case letters.
        if name != "l·l" {
            let upper = check(&name.to_uppercase()).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert_eq!(upper.key, checked.key, "{name}");
        }
    }
}

#[test]
fn s79_composed_and_decomposed_wide_and_capital_forms_are_the_same_name() {
    for (one, other) in [
        ("alice", "ALICE"),
        ("alice", "ａｌｉｃｅ"),
        ("J\u{f6}rg", "Jo\u{308}rg"),
        ("σας", "ΣΑΣ"),
        ("σασ", "ΣΑΣ"),
        ("σας", "σασ"),
        ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
        ("ガク", "ｶﾞｸ"),
        ("straße", "STRAßE"),
    ] {
        assert_eq!(username_key(one), username_key(other), "{one} {other}");
        assert_eq!(check(one).unwrap().key, check(other).unwrap().key);
    }
    assert_eq!(check("ＡlicE").unwrap().shown, "AlicE");
    assert_ne!(username_key("strasse"), username_key("straße"));
}

#[test]
fn a06_invisible_blank_and_compatibility_characters_are_refused_with_the_reason() {
    for (name, problem) in [
        ("", UserNameProblem::Empty),
        ("a b", UserNameProblem::Blank),
        ("a\u{a0}b", UserNameProblem::Blank),
        ("a\u{3000}b", UserNameProblem::Blank),
        ("admin\u{3164}", UserNameProblem::Invisible),
        ("\u{3164}", UserNameProblem::Invisible),
        ("a\u{200b}", UserNameProblem::Invisible),
        ("a\u{200c}b", UserNameProblem::Invisible),
        ("\u{feff}a", UserNameProblem::Invisible),
        ("\u{202e}a", UserNameProblem::Invisible),
        ("a\u{fe0f}", UserNameProblem::Invisible),
        ("a\u{e0061}", UserNameProblem::Invisible),
        ("a\0", UserNameProblem::Invisible),
        ("a\r\nb", UserNameProblem::Invisible),
        ("ﬁona", UserNameProblem::BadCharacter),
        ("a²", UserNameProblem::BadCharacter),
        ("Ⅷ", UserNameProblem::BadCharacter),
        ("𝐚𝐝𝐚", UserNameProblem::BadCharacter),
        ("🦀", UserNameProblem::BadCharacter),
        ("\u{2800}", UserNameProblem::BadCharacter),
        ("\u{fffd}", UserNameProblem::BadCharacter),
        ("\u{e000}", UserNameProblem::BadCharacter),
        ("<b>", UserNameProblem::BadCharacter),
        ("a/b", UserNameProblem::BadCharacter),
        ("a：b", UserNameProblem::BadCharacter),
        (".", UserNameProblem::BadStart),
        ("..", UserNameProblem::BadStart),
        ("--help", UserNameProblem::BadStart),
        ("-x", UserNameProblem::BadStart),
        ("－x", UserNameProblem::BadStart),
        (".well-known", UserNameProblem::BadStart),
        ("@alice", UserNameProblem::BadStart),
        ("\u{301}a", UserNameProblem::BadStart),
        ("שרהabc", UserNameProblem::MixedDirections),
    ] {
        assert_eq!(check(name).err(), Some(problem), "{name:?}");
    }
    assert_eq!(check(&"a".repeat(65)).err(), Some(UserNameProblem::TooLong));
    assert!(check(&"u\u{308}".repeat(64)).is_ok());
}

#[test]
fn a06_reserved_names_and_what_looks_like_them_are_refused() {
    for name in ["admin", "ROOT", "Support", "www", "\u{430}dmin", "aԁmin", "maiI", "well-known", "ｒｏｏｔ", "rnail"]
    {
        assert_eq!(check(name).err(), Some(UserNameProblem::Reserved), "{name}");
    }
    let rules = NameRules::default().reserve(["Team", "Billing"]);
    for name in ["team", "tearn", "ｔｅａｍ"] {
        assert_eq!(rules.check(name).err(), Some(UserNameProblem::Reserved), "{name}");
        assert!(check(name).is_ok(), "{name}");
    }
    for name in ["ADMlN", "adm1n", "Admln", "OFFlClAL", "lNFO", "mall", "BlLLlNG"] {
        assert_eq!(rules.check(name).err(), Some(UserNameProblem::Reserved), "{name}");
    }
    for name in ["ali", "Ali", "mali", "heip"] {
        assert!(check(name).is_ok(), "{name}");
    }
    assert!(NameRules::without_reserved_names().check("admin").is_ok());
    assert!(check("admiral").is_ok());
}

/// Some letters look like Latin letters only in upper case.
#[test]
fn a06_names_that_look_reserved_in_capitals_are_refused() {
    let rules = NameRules::default().reserve(["Beta"]);
    for name in [
        "ad\u{43c}in",
        "AD\u{41c}IN",
        // A lower-case l and the digit 1 look like a capital I.
        "AD\u{41c}lN",
        "Ad\u{43c}ln",
        "ad\u{43c}1n",
        "roo\u{442}",
        "ROO\u{422}",
        "su\u{440}por\u{442}",
        "securi\u{442}y",
        "\u{43d}elp",
        "ѕуѕтем",
        "aӏӏ",
        "\u{43c}aiI",
        // The reserved name is written in one script, and its look-alike in another.
        "вета",
        "ВЕТА",
    ] {
        assert_eq!(rules.check(name).err(), Some(UserNameProblem::Reserved), "{name}");
    }
    let rules = NameRules::without_reserved_names().reserve(["вета"]);
    assert_eq!(rules.check("beta").err(), Some(UserNameProblem::Reserved));
    for name in
        ["ali", "Ali", "mali", "heip", "kai", "ml", "аня", "Алина", "админ", "мария", "josé", "álí", "ïnfo", "Halil"]
    {
        assert!(check(name).is_ok(), "{name}");
    }
}

#[test]
fn s79_names_that_look_alike_have_the_same_skeleton() {
    for (one, other) in [("paypal", "p\u{430}ypal"), ("corner", "comer"), ("scope", "ѕсоре"), ("alice1", "alicel")]
    {
        assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
    }
    // Marks that are invisible on these letters, and letters that look like other letters.
    for invisible in [
        "ali\u{307}ce",
        "al\u{131}ce",
        "al\u{131}\u{307}ce",
        "ALİCE",
        "al\u{456}\u{307}ce",
        "ali\u{307}\u{307}ce",
        "alice\u{fe0f}",
        "alic\u{34f}e",
        "alic\u{e0101}e",
        "alic\u{17b4}e",
    ] {
        assert_eq!(skeleton(invisible), skeleton("alice"), "{}", invisible.escape_unicode());
    }
    for (one, other) in [("j\u{307}", "j"), ("\u{237}", "j"), ("jose\u{301}\u{301}", "josé"), ("ị̇da", "ịda")] {
        assert_eq!(skeleton(one), skeleton(other), "{}", one.escape_unicode());
    }
    for (one, other) in [("josé", "jose"), ("żaneta", "zaneta"), ("ïda", "ida"), ("ịda", "ida")] {
        assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
    }
    for reserved in ["adm\u{69}\u{307}n", "ADMİN", "adm\u{131}n", "adm\u{131}\u{307}n"] {
        assert_eq!(check(reserved).err(), Some(UserNameProblem::Reserved), "{}", reserved.escape_unicode());
    }
    assert_ne!(skeleton("alice"), skeleton("alicia"));
    // Users may have chosen these names before there were rules for names.
    assert_eq!(skeleton("admin\u{3164}"), skeleton("admin"));
}

/// User names are not case-sensitive: `MIKE` and `mike` are the same name.
#[test]
fn s79_names_that_look_alike_in_some_case_share_a_look() {
    let alike = |one: &str, other: &str| {
        let (one, other) = (Looks::of(one), Looks::of(other));
        one.all.iter().any(|look| other.all.contains(look))
    };
    for (one, other) in [
        ("paypal", "paypaI"),
        ("MIKE", "mlke"),
        ("MIKE", "MlKE"),
        ("mike", "mlke"),
        ("Mike", "m1ke"),
        ("mike", "M\u{4cf}KE"),
        ("bill", "BlLL"),
        ("Iana", "lana"),
        ("bob", "b0b"),
        ("Corner", "COMER"),
        ("scope", "ѕсоре"),
        // This Cyrillic name looks like the Latin name only in capital letters.
        ("beta", "вета"),
        ("straße", "strasse"),
    ] {
        assert!(alike(one, other) && alike(other, one), "{one} {other}");
    }
    for (one, other) in [("alice", "alicia"), ("josé", "jose"), ("mike", "mika"), ("MIKE", "MAKE"), ("вета", "рита")]
    {
        assert!(!alike(one, other), "{one} {other}");
    }
    assert_eq!(check("paypaI").unwrap().looks.as_written, skeleton("paypal"));
}

/// The rules refuse a titlecase letter, but not the letter in lower case. U+0A5E is not in a normal form.
#[test]
fn a_refused_name_has_the_key_of_its_lower_case() {
    let key = username_key("\u{1fa8}\u{a5e}");
    assert_eq!(key, "\u{1fa0}\u{a2b}\u{a3c}");
    assert_eq!(username_key(&key), key);
}

proptest! {
    #[test]
    fn folding_twice_changes_nothing(name in "\\PC{0,12}") {
        let key = username_key(&name);
        prop_assert_eq!(username_key(&key), key.clone());
        prop_assert_eq!(username_key(&name.to_lowercase()), key.clone());
        prop_assert_eq!(skeleton(&key), skeleton(&name));
        if let Ok(folded) = fold(&name) {
            prop_assert_eq!(fold(&folded.shown).unwrap().shown, folded.shown.clone());
            prop_assert_eq!(username_key(&folded.shown), folded.key);
        }
    }

    #[test]
    fn normal_forms_have_the_same_key(name in "[\\p{L}\\p{M}\\p{N}]{1,12}") {
        use unicode_normalization::UnicodeNormalization;
        let (nfc, nfd): (String, String) = (name.nfc().collect(), name.nfd().collect());
        if fold(&name).is_ok() {
            prop_assert_eq!(username_key(&nfd), username_key(&nfc));
            prop_assert_eq!(username_key(&name), username_key(&nfc));
        }
    }
}
