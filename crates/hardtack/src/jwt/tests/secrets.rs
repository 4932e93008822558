//! Which HMAC secrets are refused.

use super::{key_file, random_looking};
use crate::jwt::env_secrets::secret_from;
use crate::jwt::{Algorithm, KeyError, KeySet, SigningKey, TokenError, VerifyingKey, read_secret};

fn refusal(secret: &[u8]) -> Option<KeyError> {
    let signing = SigningKey::from_secret(secret).err();
    assert_eq!(VerifyingKey::from_secret(secret).err(), signing);
    assert_eq!(KeySet::from_secret(secret).err(), signing);
    signing
}

#[test]
fn s22_empty_and_short_secrets_are_refused() {
    assert_eq!(refusal(b""), Some(KeyError::Empty));
    assert_eq!(refusal(&random_looking(31)), Some(KeyError::TooShort { bits: 248, needed: 256 }));
    assert_eq!(refusal(&random_looking(32)), None);
    for (algorithm, needed) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
        let short = SigningKey::from_secret_with(&random_looking(needed - 1), algorithm).unwrap_err();
        assert_eq!(short, KeyError::TooShort { bits: needed * 8 - 8, needed: needed * 8 });
        assert!(short.to_string().contains("openssl rand -base64 48"));
        assert!(SigningKey::from_secret_with(&random_looking(needed), algorithm).is_ok());
    }
    let mismatch = KeyError::AlgorithmMismatch { algorithm: Algorithm::RS256 };
    assert_eq!(SigningKey::from_secret_with(&random_looking(64), Algorithm::RS256).unwrap_err(), mismatch);
}

#[test]
fn s22_published_samples_are_refused() {
    for secret in [
        "super-secret",
        "Super Secret",
        "changeme",
        "change-me",
        "secret",
        "your-256-bit-secret",
        "your-256-bit-secret-your-256-bit-secret",
        "your-512-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "boost-is-the-best-language-in-the-world",
        "secretsecretsecretsecretsecretsecretsecret",
        "super-secret-super-secret-super-secret",
        "supersecretsupersecretsupersecret123",
        "CHANGE_ME_IN_PRODUCTION",
        "change-this-in-production-please-please",
        "super-secret-change-me-in-production-now",
        "keyboard cat",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    ] {
        assert_eq!(refusal(secret.as_bytes()), Some(KeyError::PublishedSample), "{secret}");
    }
}

#[test]
fn s22_patterns_are_refused() {
    let counting: Vec<u8> = (0..64).collect();
    let counting_down: Vec<u8> = (0..64).rev().collect();
    for secret in [
        &[0; 32][..],
        &[b'a'; 64],
        b"abababababababababababababababababab",
        b"1234512345123451234512345123451234512345",
        b"12345678901234567890123456789012",
        b"0123456789abcdef0123456789abcdef",
        b"abcdefghijklmnopqrstuvwxyz0123456789",
        &counting,
        &counting_down,
    ] {
        assert_eq!(refusal(secret), Some(KeyError::LowVariety), "{secret:?}");
    }
}

#[test]
fn s22_good_secrets_are_accepted() {
    for secret in [
        // These secrets were created with `openssl rand -base64 48`, `openssl rand -hex 32` and Python's
        // `secrets.token_urlsafe(32)`.
        "sF0kV1p8mJx5mQ2tB6Yy1nTqXo3dK9eL4rGhUzWcAaPiRfEvS7MbHuD2OwJ8gCkl",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Zk3vYx1uQp9sT7rNcW5eJb2gHd8mLf4aKo6iXzVtRyE",
    ] {
        assert_eq!(refusal(secret.as_bytes()), None, "{secret}");
    }
    for _ in 0..2_000 {
        let mut secret = [0; 32];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut secret);
        assert_eq!(refusal(&secret), None);
    }
}

#[test]
fn s11_a_public_keys_bytes_are_no_secret() {
    let pems = [
        &key_file!("rsa.pub.pem")[..],
        key_file!("rsa.pkcs1.pub.pem"),
        key_file!("rsa.pem"),
        key_file!("es256.pub.pem"),
        key_file!("es256.sec1.pem"),
        key_file!("ed25519.pub.pem"),
        key_file!("certificate.pem"),
    ];
    for pem in pems {
        let text = std::str::from_utf8(pem).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with("--")).collect();
        // Also test the base64 text alone, and the bytes that it encodes. If the file contains two blocks, their texts
        // joined together are not valid base64.
        let single = text.matches("BEGIN").count() == 1;
        let der = base64_simd::STANDARD.decode_to_vec(&body).unwrap_or_default();
        let forms = [
            pem.to_vec(),
            format!(" \r\n\t{text}").into(),
            format!("\u{feff}{text}").into(),
            format!("Bag Attributes\n{text}").into(),
            text.to_lowercase().into(),
        ];
        let bodies = [body.clone().into_bytes(), body.replace('=', "").into(), der].into_iter().filter(|_| single);
        for form in forms.into_iter().chain(bodies) {
            assert_eq!(refusal(&form), Some(KeyError::LooksLikePublicKey), "{:?}", String::from_utf8_lossy(&form));
        }
    }
    let jwk =
        SigningKey::generate(Algorithm::ES256).unwrap().verifying_key().to_jwk().unwrap().to_public_json().unwrap();
    for form in [jwk.clone(), format!("\n {jwk}"), format!("\u{feff}{jwk}"), format!("{{\"keys\":[{jwk}]}}")] {
        assert_eq!(refusal(form.as_bytes()), Some(KeyError::LooksLikePublicKey), "{form}");
    }
    for jwk in [r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"}"#, r#" {"alg":"HS256", "kty" : "oct"} "#] {
        let error = refusal(jwk.as_bytes()).unwrap();
        assert!(error.to_string().contains("a JSON Web Key (JWK) that contains the secret"), "{error}");
    }
    for form in ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqZ user@host", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlz"] {
        assert_eq!(refusal(form.as_bytes()), Some(KeyError::LooksLikePublicKey), "{form}");
    }
}

#[test]
fn s22_an_unset_variable_is_named() {
    let refused = KeySet::from_secret_env("HARDTACK_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert_eq!(refused, KeyError::EnvMissing { name: "HARDTACK_TEST_NO_SUCH_VARIABLE".to_owned() });
    assert!(refused.to_string().contains("HARDTACK_TEST_NO_SUCH_VARIABLE"));
    assert!(refused.to_string().contains("openssl rand -base64 48"));
    // The variable `PATH` is always set when the tests run, so its value is read, whatever it is.
    assert!(!matches!(KeySet::from_secret_env("PATH"), Err(KeyError::EnvMissing { .. })));
}

#[test]
fn refusals_never_show_the_secret() {
    let secret = b"hunter2-hunter2";
    let refused = SigningKey::from_secret(secret).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}

#[test]
fn k01_texts_that_only_name_a_secret_are_refused() {
    for text in [
        "/run/secrets/jwt_secret_key_of_the_site",
        "./secrets/jwt-secret-key-of-the-site.txt",
        "file:///run/secrets/jwt_secret_key_of_the_site",
        "FILE:/run/secrets/jwt_secret_key_of_the_site",
        "${JWT_SECRET_KEY_OF_THE_SITE_AND_MORE}",
        "$JWT_SECRET_KEY_OF_THE_SITE_AND_MORE_0123",
        "${JWT_SECRET_KEY:-a fallback that never closes",
        "$(cat /run/secrets/jwt_secret_key_of_the_site)",
        "{{ lookup('env', 'JWT_SECRET_KEY_OF_SITE') }}",
        "${{ secrets.JWT_SECRET_KEY_PRODUCTION }}",
        "<%= ENV[\"JWT_SECRET_KEY_OF_HARDTACK\"] %>",
        "process.env.JWT_SECRET_KEY_OF_THE_SITE",
        "TODO: generate a real secret before launch",
        "JWT_SECRET_KEY=abcdefghijklmnopqrstuvwxyz123456",
        "<your 32 random bytes, see the manual, page 7>",
        "%JWT_SECRET_KEY_OF_THE_SITE_AND_MORE%",
        "__JWT_SECRET_KEY_OF_THE_SITE_AND_MORE__",
        "secrets/jwt-secret-key-with-a-long-name.txt",
        "secrets/production/jwt_secret_key_of_the_site",
        "/mnt/secrets/jwt-secret-key-hardtack-prod",
        "jwt-secret-key-of-the-site-in-production.PEM",
        "C:\\secrets\\jwt-secret-key-hardtack-prod.txt",
        "d:/secrets/jwt-secret-key-hardtack-production",
        "secrets\\jwt-secret-key-hardtack-production",
        "\\\\server\\share\\jwt-secret-key-hardtack-prod",
        "op://vault/item/jwt-secret-key-for-hardtack",
        "ref+vault://secret/data/hardtack#jwt_secret_key",
        "https://vault.example/v1/secret/data/hardtack",
        "vault:secret/data/hardtack#jwt_secret_key",
        "arn:aws:secretsmanager:eu-west-1:1:secret:jwt",
        "gcp-secret:projects/1/secrets/jwt/versions/2",
        "projects/site-1/secrets/jwt/versions/latest",
        "env:JWT_SECRET_KEY_OF_THE_SITE_AND_MORE",
        "ENC[AES256_GCM,data:Zk3vYx1uQp9sT7rN,iv:Wc5e,tag:Jb2g,type:str]",
        "`cat /run/secrets/jwt_secret_key_of_the_site`",
        "$(</run/secrets/jwt_secret_key_of_the_site_1)",
    ] {
        assert!(matches!(read_secret(text), Err(KeyError::NotTheSecret { .. })), "{text}");
        assert!(matches!(refusal(text.as_bytes()), Some(KeyError::NotTheSecret { .. })), "{text}");
    }
    assert!(matches!(refusal(b"@/run/secrets/jwt_secret_key_of_the_site"), Some(KeyError::NotTheSecret { .. })));
    for sample in [
        "please-change-this-secret-in-production",
        "MyApp-CHANGE-ME-0c5f21aa97b3e1d4",
        "put_yourSecretHere_0123456789abcdef",
        "my-super-secret-jwt-signing-key-2024-prod!",
        "SecretKeyForProductionServer_Secret_Key_2",
        "secret-key-secret-key-for-the-jwt-token-of-the-app",
    ] {
        assert_eq!(refusal(sample.as_bytes()), Some(KeyError::PublishedSample), "{sample}");
    }
}

/// Random secrets never look like paths, references, placeholders or samples, no matter which characters they consist
/// of.
#[test]
fn k01_s74_random_secrets_are_accepted() {
    const PRINTABLE: std::ops::RangeInclusive<u8> = b'!'..=b'~';
    let mut random = rand::rng();
    let accept = |text: &str| {
        assert_eq!(refusal(text.as_bytes()), None, "{text}");
        // In a setting, text that begins with `@` is the path of a file.
        if !text.starts_with('@') {
            assert_eq!(**read_secret(text).unwrap(), *text.as_bytes(), "{text}");
        }
    };
    for _ in 0..1_000 {
        let mut bytes = [0; 48];
        rand::Rng::fill_bytes(&mut random, &mut bytes);
        accept(&base64_simd::STANDARD.encode_to_string(bytes));
        accept(&base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes[..32]));
        accept(&bytes[..32].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        accept(&bytes[..32].iter().map(|byte| format!("{byte:02X}")).collect::<String>());
        let printable: Vec<u8> = PRINTABLE.collect();
        let ascii: Vec<u8> = bytes[..40].iter().map(|byte| printable[usize::from(*byte) % printable.len()]).collect();
        accept(std::str::from_utf8(&ascii).unwrap());
        // At both ends of random text, add characters that the rules look for.
        let text = base64_simd::STANDARD.encode_to_string(bytes);
        for (start, end) in [("/", "/"), ("+", "="), ("A/", "/b"), ("$", "$"), ("<=", ">"), ("`+", "`")] {
            accept(&format!("{start}{text}{end}"));
        }
    }
}

#[test]
fn k01_a_secret_is_read_from_the_file_that_it_names() {
    let path = std::env::temp_dir().join(format!("hardtack-secret-{}", std::process::id()));
    let named = format!("@{}", path.display());
    let secret = "Zk3vYx1uQp9sT7rNcW5eJb2gHd8mLf4aKo6iXzVtRyE";
    for (content, expected) in [
        (secret.to_owned(), secret.to_owned()),
        (format!("{secret}\n"), secret.to_owned()),
        (format!("{secret}\r\n"), secret.to_owned()),
        (format!(" {secret}\n"), format!(" {secret}")),
        ("-----BEGIN X-----\nabc\n-----END X-----\n".to_owned(), "-----BEGIN X-----\nabc\n-----END X-----".to_owned()),
        ("{\n}".to_owned(), "{\n}".to_owned()),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(*read_secret(&named).unwrap(), expected.as_bytes());
    }
    let reason = |text: &str| match read_secret(text) {
        Err(KeyError::File { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    for several in [format!("{secret}\n\n"), format!("{secret}\n{secret}"), format!("# the key\n{secret}\n")] {
        std::fs::write(&path, several).unwrap();
        assert!(reason(&named).starts_with("it has several lines; expected one line with the secret"));
    }
    for nul in [format!("{secret}\0"), format!("{secret}\0\n")] {
        std::fs::write(&path, nul).unwrap();
        assert!(reason(&named).starts_with("it contains a NUL byte; expected one line"));
    }
    // Random bytes may contain a NUL byte and line breaks.
    let bytes = b"\xff\0\n\xfe\r0123456789abcdefghijklmnopqrstuv";
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(*read_secret(&named).unwrap(), bytes);
    // A file path without a leading `@` is refused as a secret.
    assert!(matches!(read_secret(&path.display().to_string()), Err(KeyError::NotTheSecret { .. })));
    std::fs::write(&path, vec![b'x'; 64 * 1024 + 1]).unwrap();
    assert!(reason(&named).contains("larger than 65536 bytes"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(reason(&named).contains("chmod go-w"));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(reason(&named).contains("expected a file that this user can read"));
}

#[test]
fn previous_secrets_verify_and_have_ids_of_their_own() {
    let secrets = ["Zk3vYx1uQp9sT7rNcW5eJb2gHd8mLf4aKo6iXzVtRyE", "kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1Aa0Ee5Uu"];
    let key = |secret: &str| SigningKey::from_secret(secret.as_bytes()).unwrap().with_derived_id();
    let old = KeySet::new(key(secrets[1]));
    let keys = KeySet::new(key(secrets[0]));
    let token = old.sign(b"{}").unwrap();
    assert_eq!(keys.verify(token.as_bytes()).unwrap_err(), TokenError::UnknownKey);
    // The empty item in the list is ignored, and so is the secret that is already in the set.
    let list = format!("{},\n {} ,", secrets[0], secrets[1]);
    let keys = keys.also_verify_secrets(list.as_bytes(), Algorithm::HS256).unwrap();
    assert_eq!(&*keys.verify(token.as_bytes()).unwrap(), b"{}");
    assert_eq!(keys.verifying_keys().len(), 2);
    // This token has no `kid`, because it was issued before keys had ids.
    let token = KeySet::from_secret(secrets[1].as_bytes()).unwrap().sign(b"{}").unwrap();
    assert_eq!(&*keys.verify(token.as_bytes()).unwrap(), b"{}");
    assert!(!keys.signing_key().unwrap().key_id().unwrap().is_empty());
    assert_eq!(keys.also_verify_secrets(b"changeme", Algorithm::HS256).unwrap_err(), KeyError::PublishedSample);
}

#[cfg(unix)]
#[test]
fn k01_the_path_in_a_file_variable_may_be_any_bytes() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut name = format!("hardtack-{}-", std::process::id()).into_bytes();
    name.push(0xff);
    let path = std::env::temp_dir().join(OsString::from_vec(name));
    let read = || secret_from("KEY", |name| (name == "KEY_FILE").then(|| path.clone().into_os_string()));
    // The file does not exist yet. Its path must not be used as the secret instead.
    assert!(matches!(read(), Err(KeyError::InEnv { .. })));
    std::fs::write(&path, "kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1A\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let secret = read();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(*secret.unwrap().unwrap(), b"kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1A");
    let both = secret_from("KEY", |_| Some(OsString::from("x")));
    assert!(matches!(both, Err(KeyError::EnvTwice { .. })));
}
