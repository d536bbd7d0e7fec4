//! Sealing of text: AES-256-GCM under the key of the row's erasure unit, bound to table, column and row.

use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use entity::Sealed;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// The data key of one erasure unit, ready for use.
pub struct UnitKey {
    data: Zeroizing<[u8; 32]>,
    text: Aes256Gcm,
}

impl UnitKey {
    pub(super) fn new(data: Zeroizing<[u8; 32]>) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let derived = Hkdf::<Sha256>::new(None, data.as_slice()).expand(b"aftersales text v1", key.as_mut_slice());
        debug_assert!(derived.is_ok(), "32 bytes are within HKDF's limit");
        let text = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        Self { data, text }
    }

    /// The key itself, for a file that is sealed in chunks.
    #[must_use]
    pub fn for_file(&self) -> &[u8; 32] {
        &self.data
    }

    /// Seals text for one place.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn seal(&self, place: Place, text: &str) -> anyhow::Result<Sealed> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let payload = Payload { msg: text.as_bytes(), aad: &place.aad() };
        let sealed = self.text.encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow::anyhow!("sealing failed"))?;
        Ok(Sealed([&[VERSION][..], &nonce, &sealed].concat()))
    }

    /// A hash of parts in their order, under this key: whoever has the key sees that nothing has changed, and nobody else
    /// can try guesses at the content with it.
    #[must_use]
    pub fn fingerprint(&self, parts: &[&str]) -> Vec<u8> {
        let mut key = Zeroizing::new([0; 32]);
        let kdf = Hkdf::<Sha256>::new(None, self.data.as_slice());
        let derived = kdf.expand(b"aftersales fingerprint v1", key.as_mut_slice());
        debug_assert!(derived.is_ok(), "32 bytes are within HKDF's limit");
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_slice()) else { return Vec::new() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// Opens text. `None`, whatever the cause: another key, another place, a changed byte.
    #[must_use]
    pub fn open(&self, place: Place, sealed: &Sealed) -> Option<Personal> {
        let (&version, rest) = sealed.0.split_first()?;
        let (nonce, body) = rest.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        if version != VERSION {
            return None;
        }
        let payload = Payload { msg: body, aad: &place.aad() };
        let plain = self.text.decrypt(&Nonce::from(nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(Personal)
    }
}

impl fmt::Debug for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnitKey")
    }
}

/// Where sealed text lies. Moved anywhere else, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Row.
    pub row: Uuid,
}

impl Place {
    fn aad(self) -> Vec<u8> {
        [self.table.as_bytes(), b"\0", self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

/// Opened personal text. `Debug` shows nothing of it, so that no log can.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal(String);

impl Personal {
    /// The text, for the one place that hands it to an entitled reader.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0
    }

    /// The text, borrowed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place = Place { table: "customers", column: "email", row: Uuid::from_u128(7) };

    fn key(byte: u8) -> UnitKey {
        UnitKey::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn text_opens_only_in_its_place_and_under_its_key() {
        let sealed = key(1).seal(PLACE, "erika@example.com").unwrap();
        assert_eq!(key(1).open(PLACE, &sealed).unwrap().as_str(), "erika@example.com");
        assert!(key(2).open(PLACE, &sealed).is_none());
        assert!(key(1).open(Place { column: "name", ..PLACE }, &sealed).is_none());
        assert!(key(1).open(Place { table: "orders", ..PLACE }, &sealed).is_none());
        assert!(key(1).open(Place { row: Uuid::from_u128(8), ..PLACE }, &sealed).is_none());
        assert_eq!(format!("{:?}", key(1).open(PLACE, &sealed)), "Some(Personal(…))");
    }

    #[test]
    fn a_fingerprint_is_that_of_its_key_and_parts() {
        let print = key(1).fingerprint(&["ab", "c"]);
        assert_eq!(print, key(1).fingerprint(&["ab", "c"]));
        assert_ne!(print, key(2).fingerprint(&["ab", "c"]));
        assert_ne!(print, key(1).fingerprint(&["a", "bc"]), "where a part ends is part of it");
        assert_eq!(print.len(), 32);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_fails(text in ".{0,80}", at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut sealed = key(1).seal(PLACE, &text).unwrap();
            prop_assert_eq!(key(1).open(PLACE, &sealed).unwrap().reveal(), text);
            let at = at.index(sealed.0.len());
            sealed.0[at] ^= 1 << bit;
            prop_assert!(key(1).open(PLACE, &sealed).is_none());
        }

        #[test]
        fn arbitrary_bytes_never_open(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(key(1).open(PLACE, &Sealed(bytes)).is_none());
        }
    }
}
