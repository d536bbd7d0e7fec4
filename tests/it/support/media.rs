//! Pictures and videos made in the test, with something in them that has to go or has to stay.

/// A small JPEG.
pub fn jpeg() -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels: Vec<u8> = (0..64 * 48 * 3).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
    jpeg_encoder::Encoder::new(&mut bytes, 80).encode(&pixels, 64, 48, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// A JPEG with an EXIF block that names a device and a place, and a comment.
pub fn jpeg_with_place(marker: &str) -> Vec<u8> {
    let plain = jpeg();
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x10\0\x02".to_vec();
    let device = format!("{marker}\0");
    exif.extend_from_slice(&u32::try_from(device.len()).unwrap().to_be_bytes());
    exif.extend_from_slice(&26_u32.to_be_bytes());
    exif.extend_from_slice(&[0; 4]);
    exif.extend_from_slice(device.as_bytes());
    let mut bytes = plain[..2].to_vec();
    for (code, body) in [(0xE1, exif), (0xFE, format!("comment {marker}").into_bytes())] {
        bytes.extend_from_slice(&[0xFF, code]);
        bytes.extend_from_slice(&u16::try_from(body.len() + 2).unwrap().to_be_bytes());
        bytes.extend_from_slice(&body);
    }
    bytes.extend_from_slice(&plain[2..]);
    bytes
}

/// Something that calls itself an MP4, of any size; the service does not look into videos.
pub fn mp4(size: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    bytes.extend((bytes.len()..size).map(|i| u8::try_from(i % 253).unwrap()));
    bytes
}
