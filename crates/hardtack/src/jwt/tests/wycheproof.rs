//! Project Wycheproof's test vectors for JWS and JWK. They are not part of this repository. CONTRIBUTING.md explains
//! how to run this test with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::header_of;
use crate::jwt::{Algorithm, JwkSet, KeyError, KeySet, VerifyingKey};

/// Reads the test groups in a file. The environment variable `WYCHEPROOF` is the path of the file's folder.
fn groups(name: &str) -> Vec<Value> {
    let folder = std::env::var_os("WYCHEPROOF").expect("WYCHEPROOF must be the path of the folder testvectors_v1");
    let path = PathBuf::from(folder).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap();
    file["testGroups"].as_array().unwrap().clone()
}

/// Loads a group's keys, in the same way as an application loads its keys.
fn load(jwk: &Value) -> Result<KeySet, KeyError> {
    if jwk.get("keys").is_none() {
        return VerifyingKey::from_jwk(&jwk.to_string()).map(KeySet::verifying_only);
    }
    let set = JwkSet::parse(&jwk.to_string())?;
    let mut keys = set.keys().iter().map(|key| key.verifying_key());
    // If none of the set's keys can be used, there is nothing to verify a token with.
    let first = KeySet::verifying_only(keys.next().ok_or(KeyError::UnknownAlgorithm)??);
    keys.try_fold(first, |set, key| set.also_verify(key?))
}

/// Returns the rule by which Hardtack refuses a vector even though it is labeled as valid.
fn stricter_rule(jwk: &Value, keys: &Result<KeySet, KeyError>, token: &str) -> Option<&'static str> {
    if keys.as_ref().err() == Some(&KeyError::LowVariety) {
        return Some("a secret is not a simple pattern (S22)");
    }
    let of_key = jwk["alg"].as_str()?;
    if of_key.parse::<Algorithm>().is_err() {
        return Some("the `alg` of the key is not the registered name of an algorithm (RFC 7518 section 3.1)");
    }
    let of_token = header_of(token.as_bytes()).ok().map(|header| header.algorithm.as_str());
    (of_token != Some(of_key)).then_some("a key has exactly one algorithm (RFC 8725 section 3.1)")
}

#[test]
fn s26_no_invalid_vector_of_wycheproof_is_accepted_and_no_valid_one_refused() {
    let (mut valid, mut invalid, mut by_rule) = (0_usize, 0_usize, BTreeMap::<_, usize>::new());
    for group in ["json_web_signature_test.json", "json_web_key_test.json"].into_iter().flat_map(groups) {
        let jwk = group.get("public").or(group.get("private")).unwrap();
        let keys = load(jwk);
        for test in group["tests"].as_array().unwrap() {
            let (id, comment) = (&test["tcId"], &test["comment"]);
            // A vector in JSON serialization is an object, not a string.
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let accepted = keys.as_ref().is_ok_and(|keys| keys.verify(token.as_bytes()).is_ok());
            match test["result"].as_str() {
                Some("valid") => {
                    valid += 1;
                    let rule = stricter_rule(jwk, &keys, &token);
                    assert_eq!(accepted, rule.is_none(), "{id} {comment} {:?}", keys.as_ref().err());
                    if let Some(rule) = rule {
                        *by_rule.entry(rule).or_default() += 1;
                    }
                }
                Some("invalid") => {
                    invalid += 1;
                    assert!(!accepted, "{id} {comment}");
                }
                other => panic!("{id}: the result {other:?} is unknown"),
            }
        }
        // These three kinds of keys are already refused when they are loaded.
        let expected = match group["comment"].as_str() {
            Some("jws_mixedSymmetryKeyset") => Some(KeyError::MixedKeys),
            Some("jws_duplicate_kid") => Some(KeyError::DuplicateKeyId { key_id: "kid-aes-sign".to_owned() }),
            Some("jws_rsa_roca_key") => Some(KeyError::RocaRsa),
            _ => None,
        };
        if expected.is_some() {
            assert_eq!(keys.err(), expected);
        }
    }
    println!("{valid} valid and {invalid} invalid vectors; refused although valid: {by_rule:#?}");
    assert!(valid > by_rule.values().sum::<usize>() && invalid > 0);
}
