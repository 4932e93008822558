//! Public-key signatures: the cost of a verification relative to a bare signature check with a parsed key.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, VerificationAlgorithm};
use hardtack::jwt::Algorithm;
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack::{Authenticator, KeySet, SigningKey};

use crate::Failed;
use crate::peers::by_hand::{ByHand, public_key};
use crate::run::{Case, Plan, alternate};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{SITE, SUBJECT, without_cache};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    Ok(vec![
        row(plan, "EdDSA", ed25519()?, jsonwebtoken::Algorithm::EdDSA)?,
        row(plan, "ES256", es256()?, jsonwebtoken::Algorithm::ES256)?,
        row(plan, "RS256 (2048 bits)", rs256()?, jsonwebtoken::Algorithm::RS256)?,
    ])
}

/// The same key for Hardtack and for the bare cryptography.
struct Pair {
    keys: KeySet,
    raw: ParsedPublicKey,
}

fn row(plan: &Plan, name: &str, pair: Pair, algorithm: jsonwebtoken::Algorithm) -> Result<Row, Failed> {
    let peer = ByHand::new(public_key(&pair.keys)?, algorithm, "");
    let authenticator = without_cache(Authenticator::builder(pair.keys).base_url(SITE)).build()?;
    let token = authenticator.access_token(SUBJECT).issue()?;
    let token = token.as_str();
    let (signed, encoded) = token.rsplit_once('.').ok_or("the token has no dot")?;
    let tag = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(encoded)?;
    let raw = || pair.raw.verify_sig(std::hint::black_box(signed.as_bytes()), &tag);

    let [raw, ours, theirs] = alternate(
        plan,
        [
            Case::new("the bare check", raw),
            Case::new("Hardtack", || authenticator.decode::<NoExtra>(token, TokenKind::Access)),
            Case::new("jsonwebtoken", || peer.decode(token)),
        ],
    )?;
    Ok(Row::new(
        format!("{name} token to owned claims, relative to a bare verification with a parsed key"),
        Unit::Ratio,
        ours.over(&raw),
    )
    .target(Target::AtMost(1.05, Some(1.02)))
    .peer("jsonwebtoken", theirs.over(&raw)))
}

fn pair(
    der: &[u8],
    algorithm: Algorithm,
    raw: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> Result<Pair, Failed> {
    let keys = KeySet::new(SigningKey::from_der(der, algorithm)?);
    Ok(Pair { keys, raw: ParsedPublicKey::new(raw, public)? })
}

fn ed25519() -> Result<Pair, Failed> {
    let key = Ed25519KeyPair::generate()?;
    pair(key.to_pkcs8v1()?.as_ref(), Algorithm::EdDSA, &signature::ED25519, key.public_key().as_ref())
}

fn es256() -> Result<Pair, Failed> {
    let key = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let raw = &signature::ECDSA_P256_SHA256_FIXED;
    pair(key.to_pkcs8v1()?.as_ref(), Algorithm::ES256, raw, key.public_key().as_ref())
}

fn rs256() -> Result<Pair, Failed> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key)?;
    pair(der.as_ref(), Algorithm::RS256, &signature::RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
}
