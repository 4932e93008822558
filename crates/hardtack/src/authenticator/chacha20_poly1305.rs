//! Authenticated encryption with ChaCha20 and Poly1305 (RFC 8439 §2.8).
//!
//! This module only combines the two algorithms, which come from the crates `chacha20` and `poly1305`. `chacha20` adds
//! no dependency, because `rand` needs it, too.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use constant_time_eq::constant_time_eq;
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use zeroize::Zeroizing;

/// The length of a nonce, in bytes.
pub(super) const NONCE_LEN: usize = 12;

/// The length of a tag, in bytes.
const TAG_LEN: usize = 16;

/// Each block of the key stream is 64 bytes long. The tag's key comes from block 0, and the text is encrypted from
/// block 1 on.
const TEXT_START: u64 = 64;

/// A key for encryption. This type does not implement `Debug`, so the key cannot be printed by mistake.
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Encrypts `text` in place and appends the tag. A nonce must never be used twice with the same key. Returns `None`
    /// if the text is longer than the key stream (256 GiB).
    pub(super) fn encrypt(&self, nonce: &[u8; NONCE_LEN], associated: &[u8], text: &mut Vec<u8>) -> Option<()> {
        let (mut cipher, mac) = self.start(nonce)?;
        cipher.try_apply_keystream(text).ok()?;
        let tag = tag(mac, associated, text);
        text.extend(tag);
        Some(())
    }

    /// Decrypts what [`encrypt`](Self::encrypt) produced. Returns `None` if the tag is wrong.
    pub(super) fn decrypt(&self, nonce: &[u8; NONCE_LEN], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, sent) = sealed.split_last_chunk::<TAG_LEN>()?;
        let (mut cipher, mac) = self.start(nonce)?;
        if !constant_time_eq(&tag(mac, associated, text), sent) {
            return None;
        }
        let mut text = text.to_vec();
        cipher.try_apply_keystream(&mut text).ok()?;
        Some(text)
    }

    /// Starts the key stream for the text, and the computation of the tag (RFC 8439 §2.6).
    fn start(&self, nonce: &[u8; NONCE_LEN]) -> Option<(ChaCha20, Poly1305)> {
        let mut cipher = ChaCha20::new((&*self.0).into(), nonce.into());
        let mut one_time_key = Zeroizing::new([0; 32]);
        cipher.try_apply_keystream(one_time_key.as_mut_slice()).ok()?;
        cipher.try_seek(TEXT_START).ok()?;
        Some((cipher, Poly1305::new((&*one_time_key).into())))
    }
}

/// Returns the tag over the associated data, the encrypted text and their lengths.
fn tag(mut mac: Poly1305, associated: &[u8], encrypted: &[u8]) -> [u8; TAG_LEN] {
    mac.update_padded(associated);
    mac.update_padded(encrypted);
    let lengths = [associated.len(), encrypted.len()].map(|len| (len as u64).to_le_bytes());
    mac.update_padded(lengths.as_flattened());
    mac.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Key, NONCE_LEN, TAG_LEN};

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        std::array::from_fn(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
    }

    #[test]
    fn the_example_of_rfc_8439_is_reproduced() {
        let key = Key::new(std::array::from_fn(|index| 0x80 + index as u8));
        let nonce = hex("070000004041424344454647");
        let associated: [u8; 12] = hex("50515253c0c1c2c3c4c5c6c7");
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it.";
        let expected: [u8; 130] =
            hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b\
             1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
             3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
        let mut sealed = text.to_vec();
        key.encrypt(&nonce, &associated, &mut sealed).unwrap();
        assert_eq!(sealed, expected);
        assert_eq!(key.decrypt(&nonce, &associated, &sealed).as_deref(), Some(&text[..]));
    }

    proptest! {
        /// A change to any bit of the nonce, the associated data, the text or the tag is detected.
        #[test]
        fn changed_bits_are_refused(
            key: [u8; 32],
            nonce: [u8; NONCE_LEN],
            associated in prop::collection::vec(any::<u8>(), 1..40),
            text in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index,
            bit in 0..8_u8,
        ) {
            let key = Key::new(key);
            let mut sealed = text.clone();
            key.encrypt(&nonce, &associated, &mut sealed).unwrap();
            prop_assert_eq!(sealed.len(), text.len() + TAG_LEN);
            prop_assert_eq!(key.decrypt(&nonce, &associated, &sealed), Some(text));
            let all = [&nonce[..], &associated, &sealed].concat();
            let mut changed = all.clone();
            changed[at.index(all.len())] ^= 1 << bit;
            let (nonce, rest) = changed.split_first_chunk().unwrap();
            let (associated, sealed) = rest.split_at(associated.len());
            prop_assert_eq!(key.decrypt(nonce, associated, sealed), None);
        }

        /// Checks that the result matches that of aws-lc-rs.
        #[cfg(feature = "asymmetric")]
        #[test]
        fn another_implementation_agrees(
            key: [u8; 32],
            nonce: [u8; NONCE_LEN],
            associated in prop::collection::vec(any::<u8>(), 0..40),
            text in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

            let other = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
            let mut expected = text.clone();
            let nonce_of_other = Nonce::assume_unique_for_key(nonce);
            other.seal_in_place_append_tag(nonce_of_other, Aad::from(&associated), &mut expected).unwrap();
            let mut sealed = text;
            Key::new(key).encrypt(&nonce, &associated, &mut sealed).unwrap();
            prop_assert_eq!(sealed, expected);
        }
    }
}
