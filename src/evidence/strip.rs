//! Rebuilds a picture from what is needed to show it and nothing else: EXIF, GPS, XMP, comments,
//! previews and appended files are gone, orientation and colour stay, and the compressed picture
//! data is byte for byte the same. Nothing is decoded, no input makes it panic, and what it
//! returns it returns unchanged when asked again.

use bytes::Bytes;
use entity::attachments::MediaType;

/// Why a picture was not stripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripError {
    /// The kind of file is not a picture this module knows.
    #[error("files of this kind are not stripped")]
    Unsupported,
    /// The picture is cut short or breaks its format; the text says where.
    #[error("the picture is malformed: {0}")]
    Malformed(&'static str),
}

use StripError::Malformed;

/// The picture in `bytes` without metadata; see the module for what that means.
pub fn strip(kind: MediaType, bytes: Bytes) -> Result<Bytes, StripError> {
    match kind {
        MediaType::Jpeg => jpeg(&bytes),
        MediaType::Png => png(&bytes),
        MediaType::Webp => webp(&bytes),
        MediaType::Mp4 | MediaType::Quicktime => Err(StripError::Unsupported),
    }
    .map(Bytes::from)
}

// The general JPEG crates keep all that follows the first scan header as it is: later scans,
// comments between them, and the video behind a motion photo. So every segment is walked here.
fn jpeg(mut rest: &[u8]) -> Result<Vec<u8>, StripError> {
    if array(&mut rest, "no start of image")? != [0xFF, 0xD8] {
        return Err(Malformed("no start of image"));
    }
    let mut head = vec![0xFF, 0xD8];
    let mut out = Vec::with_capacity(rest.len() + 64);
    let (mut turned, mut frame, mut scan) = (None, false, false);
    loop {
        let marker = next_marker(&mut rest)?;
        match marker {
            0xD9 if scan => break,
            0xD9 => return Err(Malformed("no scan")),
            0xD8 => return Err(Malformed("a second start of image")),
            // TEM and stray restart markers carry nothing.
            0x01 | 0xD0..=0xD7 => continue,
            _ => {}
        }
        let len = u16::from_be_bytes(array(&mut rest, "cut segment")?);
        let len = len.checked_sub(2).ok_or(Malformed("segment length"))?;
        let data = take(&mut rest, len.into(), "cut segment")?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                check_frame(data)?;
                if std::mem::replace(&mut frame, true) {
                    return Err(Malformed("a second frame"));
                }
                put_segment(&mut out, marker, data);
            }
            // Tables: Huffman, arithmetic, quantization, number of lines, restart interval.
            0xC4 | 0xCC | 0xDB..=0xDD => put_segment(&mut out, marker, data),
            0xDA if !frame => return Err(Malformed("a scan without a frame")),
            0xDA => {
                put_segment(&mut out, marker, data);
                let len = entropy_len(rest).ok_or(Malformed("no end of image"))?;
                out.extend_from_slice(take(&mut rest, len, "no end of image")?);
                scan = true;
            }
            0xE0 if head.len() == 2 && data.starts_with(b"JFIF\0") && data.len() >= 14 => {
                // Version and density without the thumbnail that may follow.
                put_segment(&mut head, marker, &[&data[..12], &[0, 0]].concat());
            }
            0xE1 if turned.is_none() => {
                turned = data.strip_prefix(b"Exif\0\0").and_then(orientation);
            }
            0xE2 if data.starts_with(b"ICC_PROFILE\0") => put_segment(&mut out, marker, data),
            0xEE if data.starts_with(b"Adobe") && data.len() >= 12 => {
                put_segment(&mut out, marker, &data[..12]);
            }
            0xE0..=0xFE => {}
            _ => return Err(Malformed("unknown marker")),
        }
    }
    out.extend_from_slice(&[0xFF, 0xD9]);
    if let Some(turned) = turned {
        put_segment(&mut head, 0xE1, &[b"Exif\0\0", &exif(turned)[..]].concat());
    }
    out.splice(0..0, head);
    Ok(out)
}

/// The next marker code; like all readers, skips fill bytes and garbage between segments.
fn next_marker(rest: &mut &[u8]) -> Result<u8, StripError> {
    let mut after_ff = false;
    loop {
        let [byte] = array(rest, "no end of image")?;
        match byte {
            0xFF => after_ff = true,
            1.. if after_ff => return Ok(byte),
            _ => after_ff = false,
        }
    }
}

/// Length of the entropy-coded data up to the next marker that is not a restart.
fn entropy_len(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += data.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
        let run = data.get(at..)?.iter().position(|&byte| byte != 0xFF)?;
        match data.get(at + run)? {
            0 | 0xD0..=0xD7 => at += run + 1,
            _ => return Some(at),
        }
    }
}

fn check_frame(data: &[u8]) -> Result<(), StripError> {
    match data {
        [_, 0, 0, ..] | [_, _, _, 0, 0, ..] => Err(Malformed("zero dimensions")),
        [_, _, _, _, _, n, parts @ ..] if *n > 0 && parts.len() == 3 * usize::from(*n) => Ok(()),
        _ => Err(Malformed("frame header")),
    }
}

fn put_segment(out: &mut Vec<u8>, marker: u8, data: &[u8]) {
    // Never longer than the segment it was read from.
    let len = (data.len() + 2) as u16;
    out.extend_from_slice(&[0xFF, marker]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(data);
}

const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PNG_HEADER_LEN: usize = 33;

fn png(bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    let mut rest = bytes;
    let header = take(&mut rest, PNG_HEADER_LEN, "cut header")?;
    match header.strip_prefix(PNG_START) {
        Some([0, 0, 0, 0, ..] | [_, _, _, _, 0, 0, 0, 0, ..]) => {
            return Err(Malformed("zero dimensions"));
        }
        Some(_) => {}
        None => return Err(Malformed("no header")),
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    out.extend_from_slice(header);
    let (mut turned, mut picture) = (None, false);
    loop {
        let chunk = rest;
        let len = u32::from_be_bytes(array(&mut rest, "no end of image")?) as usize;
        let kind: [u8; 4] = array(&mut rest, "no end of image")?;
        let data = take(&mut rest, len, "cut chunk")?;
        take(&mut rest, 4, "cut chunk")?;
        match &kind {
            b"IEND" if !picture => return Err(Malformed("no picture data")),
            b"IEND" if len != 0 => return Err(Malformed("chunk length")),
            b"eXIf" => turned = turned.or_else(|| orientation(data)),
            b"IDAT" | b"IEND" | b"PLTE" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"iCCP" | b"sBIT" | b"bKGD"
            | b"pHYs" | b"acTL" | b"fcTL" | b"fdAT" => {
                picture |= kind == *b"IDAT";
                out.extend_from_slice(&chunk[..len + 12]);
            }
            // Without a critical chunk it would be another picture.
            [b'A'..=b'Z', ..] => return Err(Malformed("unknown critical chunk")),
            _ => {}
        }
        if kind == *b"IEND" {
            break;
        }
    }
    if let Some(turned) = turned {
        let chunk = [b"eXIf", &exif(turned)[..]].concat();
        let [len, crc] = [chunk.len() as u32 - 4, crc32(&chunk)].map(u32::to_be_bytes);
        let chunk = [&len[..], &chunk, &crc].concat();
        out.splice(PNG_HEADER_LEN..PNG_HEADER_LEN, chunk);
    }
    Ok(out)
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

const WEBP_ICC: u8 = 0x20;
const WEBP_ALPHA: u8 = 0x10;
const WEBP_EXIF: u8 = 0x08;
const WEBP_ANIMATION: u8 = 0x02;

fn webp(mut rest: &[u8]) -> Result<Vec<u8>, StripError> {
    let (kind, mut rest) = riff_chunk(&mut rest)?;
    if kind != *b"RIFF" || array(&mut rest, "no header")? != *b"WEBP" {
        return Err(Malformed("no header"));
    }
    let mut out = Vec::with_capacity(rest.len() + 64);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let (kind, mut data) = riff_chunk(&mut rest)?;
    if kind == *b"VP8X" {
        let header: [u8; 10] = array(&mut data, "cut header")?;
        put_riff(&mut out, &kind, &header);
        let flags = put_webp_chunks(&mut out, rest, header[0])?;
        out[20..24].copy_from_slice(&[flags, 0, 0, 0]);
    } else {
        // The plain format is one picture chunk, and readers look no further.
        check_webp_frame(&kind, data)?;
        put_riff(&mut out, &kind, data);
    }
    let len = u32::try_from(out.len() - 8).map_err(|_| Malformed("too long"))?;
    out[4..8].copy_from_slice(&len.to_le_bytes());
    Ok(out)
}

/// Puts the chunks to keep after a `VP8X` chunk with these flags; returns the flags that fit.
fn put_webp_chunks(out: &mut Vec<u8>, mut rest: &[u8], flags: u8) -> Result<u8, StripError> {
    let has = |flag| flags & flag != 0;
    let animated = has(WEBP_ANIMATION);
    let (mut turned, mut colour, mut picture) = (None, 0, false);
    while !rest.is_empty() {
        let (kind, data) = riff_chunk(&mut rest)?;
        match &kind {
            b"ICCP" if has(WEBP_ICC) && colour == 0 => {
                put_riff(out, &kind, data);
                colour = WEBP_ICC;
            }
            b"EXIF" if has(WEBP_EXIF) && turned.is_none() => turned = orientation(data),
            b"ANIM" if animated => put_riff(out, &kind, data),
            b"ANMF" if animated => {
                put_riff(out, &kind, &webp_animation_frame(data)?);
                picture = true;
            }
            b"ALPH" if !animated && !picture => put_riff(out, &kind, data),
            b"VP8 " | b"VP8L" if !animated && !picture => {
                check_webp_frame(&kind, data)?;
                put_riff(out, &kind, data);
                picture = true;
            }
            _ => {}
        }
    }
    if !picture {
        return Err(Malformed("no picture data"));
    }
    if let Some(turned) = turned {
        put_riff(out, b"EXIF", &exif(turned));
    }
    let turned = if turned.is_some() { WEBP_EXIF } else { 0 };
    Ok(flags & (WEBP_ALPHA | WEBP_ANIMATION) | colour | turned)
}

/// An animation frame without the unknown chunks that may hide behind its picture.
fn webp_animation_frame(mut rest: &[u8]) -> Result<Vec<u8>, StripError> {
    let mut out = take(&mut rest, 16, "cut frame")?.to_vec();
    while !rest.is_empty() {
        let (kind, data) = riff_chunk(&mut rest)?;
        if kind == *b"ALPH" {
            put_riff(&mut out, &kind, data);
        } else {
            check_webp_frame(&kind, data)?;
            put_riff(&mut out, &kind, data);
            return Ok(out);
        }
    }
    Err(Malformed("no picture data"))
}

fn check_webp_frame(kind: &[u8; 4], data: &[u8]) -> Result<(), StripError> {
    let zero = |low: u8, high: u8| low == 0 && high & 0x3F == 0;
    match (kind, data) {
        (b"VP8 ", &[_, _, _, 0x9D, 0x01, 0x2A, w, x, h, i, ..]) if zero(w, x) || zero(h, i) => {
            Err(Malformed("zero dimensions"))
        }
        (b"VP8 ", [tag, _, _, 0x9D, 0x01, 0x2A, _, _, _, _, ..]) if tag & 1 == 0 => Ok(()),
        (b"VP8L", [0x2F, _, _, _, version, ..]) if version >> 5 == 0 => Ok(()),
        _ => Err(Malformed("picture header")),
    }
}

fn riff_chunk<'a>(rest: &mut &'a [u8]) -> Result<([u8; 4], &'a [u8]), StripError> {
    let kind = array(rest, "cut chunk")?;
    let len = u32::from_le_bytes(array(rest, "cut chunk")?) as usize;
    let data = take(rest, len, "cut chunk")?;
    // Some writers leave out the padding of the very last chunk.
    *rest = rest.get(len % 2..).unwrap_or_default();
    Ok((kind, data))
}

fn put_riff(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    out.extend(std::iter::repeat_n(0, data.len() % 2));
}

/// The orientation other than upright in the first directory of a TIFF block, if it has one.
///
/// Read by hand: a full EXIF parser follows all directories, and 60 KiB of overlapping ones make
/// it use hundreds of megabytes.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff);
    let little = match tiff.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let number = |bytes: &[u8]| {
        let add = |sum, &byte: &u8| sum << 8 | usize::from(byte);
        if little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    };
    let (count, entries) = tiff.get(number(tiff.get(4..8)?)..)?.split_at_checked(2)?;
    let mut entries = entries.chunks_exact(12).take(number(count));
    let entry = entries.find(|entry| number(&entry[..2]) == 0x0112)?;
    let (kind, value) = (number(&entry[2..4]), number(&entry[8..10]));
    (kind == 3 && (2..=8).contains(&value)).then_some(value as u8)
}

/// A TIFF block that says nothing but the orientation.
fn exif(orientation: u8) -> [u8; 26] {
    let mut tiff = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    tiff[19] = orientation;
    tiff
}

fn take<'a>(rest: &mut &'a [u8], len: usize, or: &'static str) -> Result<&'a [u8], StripError> {
    rest.split_off(..len).ok_or(Malformed(or))
}

fn array<const N: usize>(rest: &mut &[u8], or: &'static str) -> Result<[u8; N], StripError> {
    let (array, later) = rest.split_first_chunk().ok_or(Malformed(or))?;
    *rest = later;
    Ok(*array)
}

#[cfg(test)]
mod tests;
