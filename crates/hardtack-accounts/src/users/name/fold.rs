//! The forms in which user names are compared: the key (RFC 8265 UsernameCaseMapped) and the skeleton (UTS #39).

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::Rules;
use precis_profiles::precis_core::{
    CodepointInfo, DerivedPropertyValue, Error, IdentifierClass, StringClass, UnexpectedError,
};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::UserNameProblem;

/// A name that RFC 8265 allows.
pub(super) struct Folded {
    /// The name as it is stored and shown. It is in NFC, its full-width characters are replaced, and its case is kept.
    pub(super) shown: String,
    /// The form in which names are compared.
    pub(super) key: String,
}

/// Prepares a name and maps its case (RFC 8265 §3.3). Normalizes the name first, so that decomposed text is also
/// allowed, such as Hangul typed as individual jamo.
pub(super) fn fold(name: &str) -> Result<Folded, UserNameProblem> {
    let profile = UsernameCaseMapped::new();
    let nfc = |text: &str| text.nfc().collect::<String>();
    let wide = profile.width_mapping_rule(nfc(name)).map_err(|error| problem(&error))?;
    let shown = nfc(&wide);
    if shown.is_empty() {
        return Err(UserNameProblem::Empty);
    }
    NameClass.allows(&shown).map_err(|error| problem(&error))?;
    let lower = profile.case_mapping_rule(shown.as_str()).map_err(|error| problem(&error))?;
    let key = profile.directionality_rule(nfc(&lower)).map_err(|_| UserNameProblem::MixedDirections)?;
    // `ς` and `σ` are both lowercase forms of Σ. Without this replacement, σας and ΣΑΣ would be different names, as
    // they are in RFC 8265.
    let key = key.replace('ς', "σ");
    Ok(Folded { shown, key })
}

/// Returns the form in which a name is compared. `Alice`, `ALICE` and `ａｌｉｃｅ` have the same form. Existing users might
/// have names that the current rules refuse. For such a name, returns the form of the name in lower case, or the name in
/// lower case if the rules refuse this as well.
pub(crate) fn username_key(name: &str) -> String {
    let lower = || name.to_lowercase();
    fold(name).or_else(|_| fold(&lower())).map_or_else(|_| lower(), |folded| folded.key)
}

/// The keys under which a user with a given name can be stored.
pub(crate) struct NameKeys {
    /// The form in which names are compared.
    pub(crate) key: String,
    /// The form in which older versions compared names. A user who was added by such a version keeps the old key if the
    /// new key already belongs to another user.
    pub(crate) old_key: String,
}

impl NameKeys {
    /// Returns the keys of a name that someone has typed.
    pub(crate) fn of(name: &str) -> Self {
        Self { key: username_key(name), old_key: name.to_lowercase() }
    }
}

/// Returns the skeleton of a name. Names that look alike have the same skeleton.
pub(crate) fn skeleton(name: &str) -> String {
    look(&username_key(name))
}

/// Returns the skeleton of `text` (UTS #39 §4), without marks that are invisible after certain characters:
///
/// - a dot above `i` or `j`, which replaces the letter's own dot (Unicode §7.1, "Diacritics on i and j")
/// - a mark that repeats the mark before it, because many fonts draw both in the same place (UTS #39 §5.4)
pub(super) fn look(text: &str) -> String {
    const DOT_ABOVE: char = '\u{307}';
    let (mut look, mut letter) = (String::new(), None);
    for c in unicode_security::skeleton(text) {
        if canonical_combining_class(c) == 0 {
            letter = Some(c);
        } else if look.ends_with(c) || (c == DOT_ABOVE && matches!(letter, Some('i' | 'j'))) {
            continue;
        }
        look.push(c);
    }
    look
}

/// What a name looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    /// The skeleton of the name's key.
    pub(crate) skeleton: String,
    /// What the name looks like exactly as it was written. `paypaI` with a capital I looks like `paypal`, but its key,
    /// `paypai`, does not.
    pub(crate) as_written: String,
    /// The looks of the name as written, in lowercase and in uppercase. Some of these looks can be equal.
    pub(crate) all: [String; 3],
}

impl Looks {
    /// Returns the looks of a name. The name does not have to follow the current rules, because existing users might
    /// have chosen their names under older rules.
    pub(crate) fn of(name: &str) -> Self {
        let shown = fold(name).map(|folded| folded.shown);
        let shown = shown.as_deref().unwrap_or(name);
        let key = username_key(name);
        let as_written = look_in_any_case(shown);
        let all = [as_written.clone(), look_in_any_case(&key), look_in_any_case(&shown.to_uppercase())];
        Self { skeleton: look(&key), as_written, all }
    }
}

/// Returns the look of a string. To compute it, takes the string's skeleton, converts that to lower case, and takes the
/// skeleton of the result. If two strings look alike, their looks are the same, even if their lower-case forms differ.
/// For example, `MIKE` and `MlKE` look alike, but `mike` and `mlke` differ.
fn look_in_any_case(text: &str) -> String {
    skeleton(&look(text))
}

/// The version of this program's own rules for keys and skeletons. If a change makes [`fold`], [`username_key`] or
/// [`Looks`] return a different result for any name, increase this version. Otherwise, new names would be compared with
/// keys and skeletons that were computed under the old rules.
const RULES: u64 = 2;

/// Returns the version of the rules by which names are compared. The version combines the version of this program's own
/// rules with the version of Unicode. At start-up, the program recomputes keys and skeletons that were stored under a
/// lower version.
pub(crate) fn name_rules() -> i64 {
    let (major, minor, update) = unicode_security::UNICODE_VERSION;
    i64::try_from(RULES * 1_000_000 + major * 10_000 + minor * 100 + update).unwrap_or(i64::MAX)
}

/// The IdentifierClass of RFC 8264, with the letters, marks and digits that later versions of Unicode have added. The
/// tables of precis-core and IANA end with Unicode 6.3, but RFC 8264 §8 defines the class for every version.
struct NameClass;

impl StringClass for NameClass {
    fn get_value_from_char(&self, c: char) -> DerivedPropertyValue {
        match IdentifierClass::default().get_value_from_char(c) {
            DerivedPropertyValue::Unassigned if is_new_letter(c) => DerivedPropertyValue::PValid,
            value => value,
        }
    }

    fn get_value_from_codepoint(&self, code_point: u32) -> DerivedPropertyValue {
        char::from_u32(code_point).map_or(DerivedPropertyValue::Disallowed, |c| self.get_value_from_char(c))
    }
}

/// Returns whether RFC 8264 §8 would allow a character because it belongs to the category LetterDigits (§9.1).
fn is_new_letter(c: char) -> bool {
    let letter = matches!(
        c.general_category(),
        GeneralCategory::LowercaseLetter
            | GeneralCategory::UppercaseLetter
            | GeneralCategory::OtherLetter
            | GeneralCategory::ModifierLetter
            | GeneralCategory::DecimalNumber
            | GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
    );
    letter && !is_invisible(c) && std::iter::once(c).nfkc().eq([c])
}

/// Returns whether a character of a skeleton has no width of its own.
fn is_invisible(c: char) -> bool {
    // A skeleton omits characters that have the property Default_Ignorable_Code_Point, so the second condition catches
    // them.
    matches!(c.general_category(), GeneralCategory::Control | GeneralCategory::Format)
        || unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// Returns why the name is refused, in terms that a user understands.
fn problem(error: &Error) -> UserNameProblem {
    let code_point = match error {
        Error::BadCodepoint(CodepointInfo { cp, .. })
        | Error::Unexpected(
            UnexpectedError::ContextRuleNotApplicable(CodepointInfo { cp, .. })
            | UnexpectedError::MissingContextRule(CodepointInfo { cp, .. }),
        ) => *cp,
        Error::Invalid | Error::Unexpected(UnexpectedError::ProfileRuleNotApplicable | UnexpectedError::Undefined) => {
            return UserNameProblem::BadCharacter;
        }
    };
    match char::from_u32(code_point) {
        Some(c) if c.is_whitespace() && !c.is_control() => UserNameProblem::Blank,
        Some(c) if is_invisible(c) => UserNameProblem::Invisible,
        _ => UserNameProblem::BadCharacter,
    }
}
