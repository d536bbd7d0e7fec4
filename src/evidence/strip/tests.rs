//! Hand-made pictures with everything in them that has to go.

use super::*;
use MediaType::{Jpeg, Png, Webp};
use exif::{In, Reader, Tag};
use proptest::prelude::*;

const SECRET: &[u8] = b"GPS 52.5N 13.4E";
// Stuffed zeros, a restart marker and fill bytes: all of it is picture data.
const SCAN: &[u8] = b"\x12\xFF\x00\x34\xFF\xD0\x56\xFF\xFF\x00\x78";

fn tiff(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, value: [u8; 4]| {
        let count = if tag == 0x010F { SECRET.len() as u32 } else { 1 };
        let (tag, kind) = (tag.to_le_bytes(), kind.to_le_bytes());
        [&tag[..], &kind, &count.to_le_bytes(), &value].concat()
    };
    let maker = entry(0x010F, 2, [38, 0, 0, 0]);
    let turn = entry(0x0112, 3, [orientation, 0, 0, 0]);
    [b"II*\0\x08\0\0\0\x02\0", &maker[..], &turn, &[0; 4], SECRET].concat()
}

fn segment(marker: u8, data: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    put_segment(&mut out, marker, &data.concat());
    out
}

fn sof(height: u16, width: u16) -> Vec<u8> {
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    segment(0xC2, &[b"\x08", &size, b"\x01\x01\x11\0"])
}

fn sos() -> Vec<u8> {
    segment(0xDA, &[b"\x01\x01\0\0\x3F\0"])
}

/// A progressive picture of two scans with something private in every place.
fn jpeg_with(orientation: u8, sof: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 17] = [
        b"\xFF\xD8",
        &segment(0xE0, &[b"JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01", SECRET]),
        &segment(0xE0, &[b"JFXX\0\x10", SECRET]),
        &segment(0xE1, &[b"Exif\0\0", &tiff(orientation)]),
        &segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET]),
        &segment(0xE2, &[b"ICC_PROFILE\0\x01\x01colours"]),
        &segment(0xE2, &[b"MPF\0", SECRET]),
        &segment(0xED, &[b"Photoshop 3.0\0", SECRET]),
        &segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01", SECRET]),
        sof,
        b"\xFF\xFF",
        &segment(0xFE, &[SECRET]),
        &[&sos(), SCAN, b"\xFF"].concat(),
        &segment(0xFE, &[SECRET]),
        &[&sos(), SCAN].concat(),
        b"\xFF\xD9",
        &[b"\0\0\0\x18ftypmp42", SECRET].concat(),
    ];
    parts.concat()
}

fn jpeg_stripped(exif: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 9] = [
        b"\xFF\xD8",
        &segment(0xE0, &[b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0"]),
        exif,
        &segment(0xE2, &[b"ICC_PROFILE\0\x01\x01colours"]),
        &segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01"]),
        &sof(16, 16),
        &[&sos(), SCAN].concat(),
        &[&sos(), SCAN].concat(),
        b"\xFF\xD9",
    ];
    parts.concat()
}

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let [len, crc] = [data.len() as u32, crc32(&body)].map(u32::to_be_bytes);
    [&len[..], &body, &crc].concat()
}

fn png_with(orientation: u8, width: u8) -> Vec<u8> {
    let ihdr = png_chunk(b"IHDR", &[0, 0, 0, width, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
    let parts: [&[u8]; 9] = [
        &[&PNG_START[..8], &ihdr].concat(),
        &png_chunk(b"gAMA", &[0, 0, 0xB1, 0x8F]),
        &png_chunk(b"tEXt", SECRET),
        &png_chunk(b"IDAT", b"first"),
        &png_chunk(b"IDAT", b"second"),
        &png_chunk(b"iTXt", SECRET),
        &png_chunk(b"eXIf", &tiff(orientation)),
        &png_chunk(b"IEND", b""),
        SECRET,
    ];
    parts.concat()
}

const VP8L: &[u8] = b"\x2F\x00\x00\x00\x00pixels!";

fn riff(kind: &[u8; 4], data: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    put_riff(&mut out, kind, &data.concat());
    out
}

fn webp_with(orientation: u8, animated: bool) -> Vec<u8> {
    let flags = if animated { 0x3E } else { 0x3C };
    let picture = riff(b"VP8L", &[VP8L]);
    let frame = riff(b"ANMF", &[&[0; 16], &picture, &riff(b"XMP ", &[SECRET])]);
    let chunks = [
        riff(b"VP8X", &[&[flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
        riff(b"ICCP", &[b"icc"]),
        if animated { frame } else { picture },
        riff(b"EXIF", &[&tiff(orientation)]),
        riff(b"XMP ", &[SECRET]),
        riff(b"junk", &[SECRET]),
    ];
    [riff(b"RIFF", &[b"WEBP", &chunks.concat()]), SECRET.to_vec()].concat()
}

fn samples() -> Vec<(MediaType, Vec<u8>)> {
    [1, 6]
        .into_iter()
        .flat_map(|turn| {
            [
                (Jpeg, jpeg_with(turn, &sof(16, 16))),
                (Png, png_with(turn, 1)),
                (Webp, webp_with(turn, false)),
                (Webp, webp_with(turn, true)),
            ]
        })
        .collect()
}

fn run(kind: MediaType, bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    strip(kind, Bytes::copy_from_slice(bytes)).map(Vec::from)
}

/// What an independent parser finds in the EXIF of a stripped picture.
fn fields(picture: &[u8]) -> Vec<(Tag, Option<u32>)> {
    let Ok(exif) = Reader::new().read_from_container(&mut std::io::Cursor::new(picture)) else {
        return Vec::new();
    };
    assert!(exif.fields().all(|field| field.ifd_num == In::PRIMARY));
    exif.fields().map(|field| (field.tag, field.value.get_uint(0))).collect()
}

#[test]
fn a_jpeg_keeps_its_picture_its_colours_and_nothing_else() {
    assert_eq!(run(Jpeg, &jpeg_with(1, &sof(16, 16))).unwrap(), jpeg_stripped(b""));
    let turned = segment(0xE1, &[b"Exif\0\0", &exif(6)]);
    assert_eq!(run(Jpeg, &jpeg_with(6, &sof(16, 16))).unwrap(), jpeg_stripped(&turned));
}

#[test]
fn nothing_private_is_left_and_orientation_is() {
    for (kind, picture) in samples() {
        assert_eq!(fields(&picture).len(), 2);
        let stripped = run(kind, &picture).unwrap();
        assert!(!stripped.windows(SECRET.len()).any(|window| window == SECRET), "{kind:?}");
        let turned = fields(&picture).contains(&(Tag::Orientation, Some(6)));
        let expected: &[_] = if turned { &[(Tag::Orientation, Some(6))] } else { &[] };
        assert_eq!(fields(&stripped), expected, "{kind:?}");
    }
}

#[test]
fn png_and_webp_keep_their_picture() {
    let stripped = run(Png, &png_with(1, 1)).unwrap();
    let kept: &[&[u8]] = &[
        &png_chunk(b"gAMA", &[0, 0, 0xB1, 0x8F]),
        &png_chunk(b"IDAT", b"first"),
        &png_chunk(b"IDAT", b"second"),
        b"\0\0\0\0IEND\xAE\x42\x60\x82",
    ];
    assert_eq!(stripped[PNG_HEADER_LEN..], kept.concat());

    let header = |flags| riff(b"VP8X", &[&[flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let (icc, picture) = (riff(b"ICCP", &[b"icc"]), riff(b"VP8L", &[VP8L]));
    let still = riff(b"RIFF", &[b"WEBP", &header(0x30), &icc, &picture]);
    assert_eq!(run(Webp, &webp_with(1, false)).unwrap(), still);
    let turn = riff(b"EXIF", &[&exif(6)]);
    let turned = riff(b"RIFF", &[b"WEBP", &header(0x38), &icc, &picture, &turn]);
    assert_eq!(run(Webp, &webp_with(6, false)).unwrap(), turned);
    let plain = riff(b"RIFF", &[b"WEBP", &picture]);
    assert_eq!(run(Webp, &[&plain, SECRET].concat()).unwrap(), plain);
}

#[test]
fn a_cut_picture_is_malformed_wherever_it_is_cut() {
    for (kind, picture) in samples() {
        // Without the appended part, every byte is needed.
        let end = if kind == Jpeg { SECRET.len() + 12 } else { SECRET.len() };
        for cut in 0..picture.len() - end {
            let result = run(kind, &picture[..cut]);
            assert!(matches!(result, Err(Malformed(_))), "{kind:?} {cut}");
        }
    }
}

#[test]
fn broken_pictures_are_malformed() {
    let empty = riff(b"VP8 ", &[b"\0\0\0\x9D\x01\x2A\0\x40\x01\0"]);
    let cases = [
        (Jpeg, jpeg_with(1, &sof(0, 16)), "zero dimensions"),
        (Jpeg, jpeg_with(1, &sof(16, 0)), "zero dimensions"),
        (Jpeg, jpeg_with(1, b""), "a scan without a frame"),
        (Jpeg, [b"\xFF\xD8", &sof(1, 1)[..], b"\xFF\xD9"].concat(), "no scan"),
        (Jpeg, b"\xFF\xD8\xFF\xE1\0\x01".to_vec(), "segment length"),
        (Png, png_with(1, 0), "zero dimensions"),
        (Png, [PNG_START, &[1; 17], &png_chunk(b"IEND", b"")].concat(), "no picture data"),
        (Png, [PNG_START, &[1; 17], &[0xFF; 12]].concat(), "cut chunk"),
        (Webp, riff(b"RIFF", &[b"WEBP", &empty]), "zero dimensions"),
        (Webp, riff(b"RIFF", &[b"WEBP", b"VP8L\xFF\xFF\xFF\xFF"]), "cut chunk"),
        (Webp, riff(b"RIFF", &[b"WEBP", &riff(b"VP8X", &[&[0; 10]])]), "no picture data"),
    ];
    for (kind, picture, reason) in cases {
        assert_eq!(run(kind, &picture), Err(Malformed(reason)));
    }
    assert_eq!(run(MediaType::Mp4, b""), Err(StripError::Unsupported));
}

fn check(kind: MediaType, bytes: &[u8]) {
    if let Ok(once) = run(kind, bytes) {
        assert_eq!(run(kind, &once), Ok(once));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        for (kind, start) in [(Jpeg, &b"\xFF\xD8\xFF"[..]), (Png, PNG_START), (Webp, b"RIFF")] {
            check(kind, &bytes);
            check(kind, &[start, &bytes].concat());
        }
        orientation(&bytes);
    }

    #[test]
    fn stripping_a_mutated_picture_twice_changes_nothing_more(
        sample in 0..8usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..8),
    ) {
        let (kind, mut picture) = samples().swap_remove(sample);
        for (at, byte, edit) in edits {
            let at = at.index(picture.len());
            match edit {
                0 => picture.insert(at, byte),
                1 if picture.len() > 1 => drop(picture.remove(at)),
                _ => picture[at] = byte,
            }
        }
        check(kind, &picture);
    }
}
