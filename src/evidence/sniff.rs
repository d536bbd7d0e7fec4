//! Tells the type of an upload from its first bytes. Only types on the allow-list are ever
//! named; what a client declares plays no part. It says what a file claims to be, not that
//! it is sound.

use entity::attachments::MediaType;

/// Bytes that are looked at, however long the prefix is.
const LOOK: usize = 8 * 1024;

/// The media type the first bytes of a file announce, if that type is allowed.
pub fn sniff(prefix: &[u8]) -> Option<MediaType> {
    let prefix = prefix.get(..LOOK).unwrap_or(prefix);
    // `infer` is content with fewer magic bytes than the formats ask for, and calls a file with
    // `mdat` in the right place a QuickTime film, hence the second look.
    match infer::get(prefix)?.mime_type() {
        "image/jpeg" => Some(MediaType::Jpeg),
        "image/png" if prefix.starts_with(b"\x89PNG\r\n\x1a\n") => Some(MediaType::Png),
        "image/webp" if prefix.starts_with(b"RIFF") => Some(MediaType::Webp),
        "video/mp4" => Some(MediaType::Mp4),
        "video/quicktime" if prefix.get(4..12) == Some(b"ftypqt  ") => Some(MediaType::Quicktime),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ftyp(brand: &[u8; 4]) -> Vec<u8> {
        [b"\0\0\0\x18ftyp", &brand[..], b"\0\0\x02\0", brand, b"mp42", b"\0\0\0\x08free"].concat()
    }

    #[test]
    fn the_allow_list_is_recognised() {
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"), Some(MediaType::Jpeg));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some(MediaType::Png));
        assert_eq!(sniff(b"RIFF\x24\0\0\0WEBPVP8 "), Some(MediaType::Webp));
        for brand in [b"isom", b"iso2", b"mp41", b"mp42", b"avc1"] {
            assert_eq!(sniff(&ftyp(brand)), Some(MediaType::Mp4), "{brand:?}");
        }
        assert_eq!(sniff(&ftyp(b"qt  ")), Some(MediaType::Quicktime));
    }

    #[test]
    fn anything_else_is_refused() {
        for brand in [b"heic", b"heix", b"mif1", b"msf1", b"avif", b"M4A ", b"crx "] {
            assert_eq!(sniff(&ftyp(brand)), None, "{brand:?}");
        }
        let refused: [&[u8]; 13] = [
            b"",
            b"\xFF\xD8",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"<!DOCTYPE html><html></html>",
            b"%PDF-1.7\n",
            b"GIF89a\x01\0\x01\0",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            b"MZ\x90\0",
            b"\x89PNG\n\n\x1a\n\0\0\0\rIHDR",
            b"JUNK\x24\0\0\0WEBPVP8 ",
            b"<svg        mdat/>",
            b"RIFF\x24\0\0\0AVI LIST",
        ];
        for bytes in refused {
            assert_eq!(sniff(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn markup_in_front_of_a_picture_hides_it() {
        assert_eq!(sniff(b"<html>\xFF\xD8\xFF\xE0\0\x10JFIF\0"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            sniff(&bytes);
        }
    }
}
