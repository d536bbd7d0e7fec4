//! The sealed file format: one header, then chunks of 64 KiB under AES-256-GCM (STREAM).
//! A sealed file opens only under the same data key and the same `aad`, whole, in order and
//! unchanged, and no byte leaves the [`Opener`] before the tag over its chunk was verified.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use hkdf::Hkdf;
use hmac::{Hmac, digest::CtOutput};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Plaintext bytes in every chunk but the last, which holds at most as many.
pub const CHUNK: usize = 1 << CHUNK_LOG2;
/// Length of the header in front of the chunks.
pub const HEADER_LEN: usize = COMMITMENT_AT + 32;

const CHUNK_LOG2: u8 = 16;
const TAG: usize = 16;
const SEALED_CHUNK: usize = CHUNK + TAG;

/// Magic, version, algorithm (1 is AES-256-GCM) and chunk size. Then come prefix and salt.
const FIXED: [u8; 9] = [b'A', b'F', b'S', b'E', b'A', b'L', 1, 1, CHUNK_LOG2];
const PREFIX_AT: usize = FIXED.len();
const SALT_AT: usize = PREFIX_AT + 7;
const COMMITMENT_AT: usize = SALT_AT + 32;

const KEY_INFO: &[u8] = b"aftersales file v1";
const COMMITMENT_INFO: &[u8] = b"aftersales commitment v1";

/// Why sealing or opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The operating system gave no random bytes.
    #[error("no randomness available")]
    Random,
    /// The file has more chunks than the format can count, or sealing went on after an error.
    #[error("the file cannot be sealed")]
    Seal,
    /// Wrong key, wrong `aad`, damaged, cut or foreign: deliberately not told apart.
    #[error("the sealed file cannot be opened")]
    Open,
}

/// Length of the whole sealed file, header included, for a plaintext of `plain_len` bytes.
pub fn sealed_len(plain_len: u64) -> u64 {
    let chunks = plain_len.div_ceil(CHUNK as u64).max(1);
    plain_len.saturating_add(chunks * TAG as u64 + HEADER_LEN as u64)
}

/// Seals one file piece by piece in constant memory.
///
/// The file is [`Sealer::header`] followed by all that `push` and `finish` append to `out`.
pub struct Sealer {
    header: [u8; HEADER_LEN],
    // `None` after an error, so that no file with a hole in it can be finished.
    cipher: Option<EncryptorBE32<Aes256Gcm>>,
    aad: Vec<u8>,
    buf: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Starts a file under `data_key`, bound to `aad`, with a fresh salt and nonce prefix.
    pub fn new(data_key: &[u8; 32], aad: &[u8]) -> Result<Self, StreamError> {
        let mut header = [0; HEADER_LEN];
        header[..PREFIX_AT].copy_from_slice(&FIXED);
        getrandom::fill(&mut header[PREFIX_AT..COMMITMENT_AT]).map_err(|_| StreamError::Random)?;
        let keys = FileKeys::derive(data_key, aad, &header).ok_or(StreamError::Seal)?;
        header[COMMITMENT_AT..].copy_from_slice(&keys.commitment);
        Ok(Self {
            cipher: Some(EncryptorBE32::new((&*keys.key).into(), (&keys.prefix).into())),
            aad: chunk_aad(&header, aad),
            buf: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK)),
            header,
        })
    }

    /// The header, to be stored in front of the chunks.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Takes in plaintext and appends every chunk that is certainly not the last to `out`.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        while !plain.is_empty() {
            // A full chunk waits for one more byte: without it, it is the last one.
            if self.buf.len() == CHUNK {
                let cipher = self.cipher.as_mut().ok_or(StreamError::Seal)?;
                if cipher.encrypt_next_in_place(&self.aad, &mut *self.buf).is_err() {
                    self.cipher = None;
                    return Err(StreamError::Seal);
                }
                out.extend_from_slice(&self.buf);
                self.buf.clear();
            }
            plain = fill(&mut self.buf, CHUNK, plain);
        }
        Ok(())
    }

    /// Appends the last chunk to `out`. A file without it does not open.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let cipher = self.cipher.take().ok_or(StreamError::Seal)?;
        cipher.encrypt_last_in_place(&self.aad, &mut *self.buf).map_err(|_| StreamError::Seal)?;
        out.extend_from_slice(&self.buf);
        Ok(())
    }
}

/// Opens one sealed file piece by piece in constant memory.
///
/// What `push` appends to `out` is authentic but only a beginning: the file is whole if and
/// only if `finish` succeeds.
pub struct Opener {
    // `None` after an error, so that nothing can be opened past it.
    cipher: Option<DecryptorBE32<Aes256Gcm>>,
    aad: Vec<u8>,
    buf: Zeroizing<Vec<u8>>,
}

impl Opener {
    /// Checks `header` against `data_key` and `aad` and gets ready for the first chunk.
    pub fn new(data_key: &[u8; 32], aad: &[u8], header: &[u8]) -> Result<Self, StreamError> {
        let header: &[u8; HEADER_LEN] = header.try_into().map_err(|_| StreamError::Open)?;
        if !header.starts_with(&FIXED) {
            return Err(StreamError::Open);
        }
        let keys = FileKeys::derive(data_key, aad, header).ok_or(StreamError::Open)?;
        let committed = header.last_chunk::<32>().ok_or(StreamError::Open)?;
        // GCM does not commit to its key by itself; `CtOutput` compares in constant time.
        if ct(*committed) != ct(keys.commitment) {
            return Err(StreamError::Open);
        }
        Ok(Self {
            cipher: Some(DecryptorBE32::new((&*keys.key).into(), (&keys.prefix).into())),
            aad: chunk_aad(header, aad),
            buf: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK)),
        })
    }

    /// Takes in what follows the header and appends the plaintext of verified chunks to `out`.
    pub fn push(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        while !sealed.is_empty() {
            // As more bytes follow, a full chunk is not the last one.
            if self.buf.len() == SEALED_CHUNK {
                let cipher = self.cipher.as_mut().ok_or(StreamError::Open)?;
                if cipher.decrypt_next_in_place(&self.aad, &mut *self.buf).is_err() {
                    self.cipher = None;
                    return Err(StreamError::Open);
                }
                out.extend_from_slice(&self.buf);
                self.buf.clear();
            }
            sealed = fill(&mut self.buf, SEALED_CHUNK, sealed);
        }
        Ok(())
    }

    /// Opens the last chunk; fails if the file was cut anywhere.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let cipher = self.cipher.take().ok_or(StreamError::Open)?;
        cipher.decrypt_last_in_place(&self.aad, &mut *self.buf).map_err(|_| StreamError::Open)?;
        out.extend_from_slice(&self.buf);
        Ok(())
    }
}

/// What the data key, the `aad` and the random part of a header determine.
struct FileKeys {
    key: Zeroizing<[u8; 32]>,
    prefix: [u8; 7],
    commitment: [u8; 32],
}

impl FileKeys {
    fn derive(data_key: &[u8; 32], aad: &[u8], header: &[u8; HEADER_LEN]) -> Option<Self> {
        let prefix = *header[PREFIX_AT..].first_chunk()?;
        let mut keys = Self { key: Zeroizing::new([0; 32]), prefix, commitment: [0; 32] };
        let hkdf = Hkdf::<Sha256>::new(Some(&header[SALT_AT..COMMITMENT_AT]), data_key);
        hkdf.expand_multi_info(&[KEY_INFO, aad], &mut *keys.key).ok()?;
        hkdf.expand_multi_info(&[COMMITMENT_INFO, aad], &mut keys.commitment).ok()?;
        Some(keys)
    }
}

fn ct(value: [u8; 32]) -> CtOutput<Hmac<Sha256>> {
    CtOutput::new(value.into())
}

fn chunk_aad(header: &[u8; HEADER_LEN], aad: &[u8]) -> Vec<u8> {
    [Sha256::digest(header).as_slice(), aad].concat()
}

/// Moves bytes from `data` to `buf` up to a length of `full` and returns what is left.
fn fill<'a>(buf: &mut Vec<u8>, full: usize, data: &'a [u8]) -> &'a [u8] {
    let (now, later) = data.split_at(data.len().min(full - buf.len()));
    buf.extend_from_slice(now);
    later
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];
    const AAD: &[u8] = b"tenant/attachment";

    fn plain(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    fn seal(plain: &[u8], step: usize) -> Vec<u8> {
        let mut sealer = Sealer::new(&KEY, AAD).unwrap();
        let mut out = sealer.header().to_vec();
        for piece in plain.chunks(step) {
            sealer.push(piece, &mut out).unwrap();
        }
        sealer.finish(&mut out).unwrap();
        out
    }

    fn open(sealed: &[u8], step: usize, expected: &[u8]) -> Result<Vec<u8>, StreamError> {
        let (header, body) = sealed.split_at(sealed.len().min(HEADER_LEN));
        let mut opener = Opener::new(&KEY, AAD, header)?;
        let mut out = Vec::new();
        let pushed = body.chunks(step).try_for_each(|piece| opener.push(piece, &mut out));
        // Even a caller that ignores the error of a push must not get anything more.
        let finished = opener.finish(&mut out);
        assert!(expected.starts_with(&out), "unverified plaintext");
        assert!(pushed.is_ok() || finished.is_err());
        finished.map(|()| out)
    }

    #[test]
    fn the_length_is_known_beforehand_and_edges_round_trip() {
        let edges = [0, CHUNK, 2 * CHUNK].map(|edge| [edge.saturating_sub(1), edge, edge + 1]);
        for len in edges.concat() {
            let plain = plain(len);
            let sealed = seal(&plain, 50_000);
            assert_eq!(sealed.len() as u64, sealed_len(len as u64));
            assert_eq!(open(&sealed, 70_000, &plain).unwrap(), plain);
        }
    }

    #[test]
    fn a_data_key_never_yields_the_same_file_twice() {
        let (a, b) = (seal(b"same", 4), seal(b"same", 4));
        assert_ne!(a[PREFIX_AT..SALT_AT], b[PREFIX_AT..SALT_AT]);
        assert_ne!(a[SALT_AT..COMMITMENT_AT], b[SALT_AT..COMMITMENT_AT]);
        assert_ne!(a[COMMITMENT_AT..], b[COMMITMENT_AT..]);
        let grafted = [&a[..HEADER_LEN], &b[HEADER_LEN..]].concat();
        assert_eq!(open(&grafted, 64, b"same"), Err(StreamError::Open));
    }

    #[test]
    fn wrong_key_and_wrong_aad_fail_alike() {
        let sealed = seal(b"x", 1);
        let header = &sealed[..HEADER_LEN];
        for (key, aad) in [([8; 32], AAD), (KEY, b"tenant/other"), (KEY, b"")] {
            let opener = Opener::new(&key, aad, header);
            assert_eq!(opener.err(), Some(StreamError::Open));
        }
        // Nor do the chunks open where the commitment does not get in the way.
        let keys = FileKeys::derive(&KEY, b"", header.try_into().unwrap()).unwrap();
        let header = [&header[..COMMITMENT_AT], &keys.commitment].concat();
        let mut opener = Opener::new(&KEY, b"", &header).unwrap();
        opener.push(&sealed[HEADER_LEN..], &mut Vec::new()).unwrap();
        assert_eq!(opener.finish(&mut Vec::new()), Err(StreamError::Open));
    }

    #[test]
    fn chunks_cannot_be_swapped_repeated_dropped_or_appended() {
        let plain = plain(3 * CHUNK);
        let sealed = seal(&plain, CHUNK);
        let header = &sealed[..HEADER_LEN];
        let part: Vec<&[u8]> = sealed[HEADER_LEN..].chunks(SEALED_CHUNK).collect();
        for order in ["102", "021", "0012", "02", "0122", ""] {
            let chunks = order.bytes().flat_map(|i| part[usize::from(i - b'0')]);
            let forged: Vec<u8> = header.iter().chain(chunks).copied().collect();
            let opened = open(&forged, 99_999, &plain);
            assert_eq!(opened, Err(StreamError::Open), "{order}");
        }
        let longer = [&sealed[..], b"!"].concat();
        assert_eq!(open(&longer, 99_999, &plain), Err(StreamError::Open));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn round_trip(
            chunks in 0..3usize, around in -20..20isize, a in 1..200_000usize, b in 1..200_000usize,
        ) {
            let plain = plain((chunks * CHUNK).saturating_add_signed(around));
            prop_assert_eq!(open(&seal(&plain, a), b, &plain).unwrap(), plain);
        }

        #[test]
        fn any_flipped_bit_fails(
            len in prop_oneof![0..200usize, CHUNK - 2..CHUNK + 3], at: prop::sample::Index, bit in 0..8u8,
        ) {
            let plain = plain(len);
            let mut sealed = seal(&plain, CHUNK);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(open(&sealed, CHUNK, &plain), Err(StreamError::Open));
        }

        #[test]
        fn any_cut_fails(
            len in prop_oneof![0..200usize, CHUNK - 2..2 * CHUNK + 3], at: prop::sample::Index,
        ) {
            let plain = plain(len);
            let sealed = seal(&plain, CHUNK);
            let cut = &sealed[..at.index(sealed.len())];
            prop_assert_eq!(open(cut, CHUNK, &plain), Err(StreamError::Open));
        }
    }
}
