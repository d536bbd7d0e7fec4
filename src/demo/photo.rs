//! Pictures of parcels with something wrong, drawn and not taken: no place, no device, nobody on them.

use jpeg_encoder::{ColorType, Encoder};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const WIDTH: u16 = 320;
const HEIGHT: u16 = 240;

type Colour = [u8; 3];

const TABLES: [Colour; 4] = [[196, 188, 176], [150, 164, 172], [172, 150, 122], [206, 206, 202]];
const CARDBOARD: [Colour; 3] = [[178, 134, 86], [196, 154, 104], [160, 118, 74]];
const TAPE: Colour = [214, 196, 150];
const LABEL: Colour = [238, 236, 230];
const INK: Colour = [40, 38, 36];
const CRACK: Colour = [46, 30, 20];
const STAIN: Colour = [104, 76, 50];

/// A JPEG that looks the same for the same seed.
///
/// # Errors
/// The picture cannot be encoded.
pub(super) fn picture(seed: u64) -> anyhow::Result<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut canvas = Canvas::table(TABLES[rng.random_range(0..TABLES.len())]);
    let (left, top) = (rng.random_range(40..80), rng.random_range(50..80));
    let (right, bottom) = (rng.random_range(230..280), rng.random_range(180..215));
    canvas.rectangle((left + 8, top + 10), (right + 8, bottom + 10), [88, 84, 80]);
    canvas.rectangle((left, top), (right, bottom), CARDBOARD[rng.random_range(0..CARDBOARD.len())]);
    let middle = (top + bottom) / 2;
    canvas.rectangle((left, middle - 7), (right, middle + 7), TAPE);
    canvas.rectangle((right - 70, top + 12), (right - 12, top + 46), LABEL);
    for line in 0..4 {
        let (y, length) = (top + 18 + line * 7, rng.random_range(20..46));
        canvas.rectangle((right - 65, y), (right - 65 + length, y + 2), INK);
    }
    for _ in 0..rng.random_range(1..=2) {
        let at = (rng.random_range(left + 20..right - 20), rng.random_range(top + 15..bottom - 15));
        if rng.random_bool(0.6) {
            canvas.crack(&mut rng, at);
        } else {
            canvas.ellipse(at, (rng.random_range(12..34), rng.random_range(8..22)), STAIN);
        }
    }
    canvas.grain(&mut rng);
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 72).encode(&canvas.pixels, WIDTH, HEIGHT, ColorType::Rgb)?;
    Ok(jpeg)
}

struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    /// A table top, darker towards the front.
    fn table(colour: Colour) -> Self {
        let mut pixels = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
        for y in 0..HEIGHT {
            let shade = u8::try_from(y / 4).unwrap_or(u8::MAX);
            for _ in 0..WIDTH {
                pixels.extend(colour.map(|channel| channel.saturating_sub(shade)));
            }
        }
        Self { pixels }
    }

    fn dot(&mut self, x: i32, y: i32, colour: Colour) {
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else { return };
        if x < WIDTH && y < HEIGHT {
            let at = (usize::from(y) * usize::from(WIDTH) + usize::from(x)) * 3;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn rectangle(&mut self, from: (i32, i32), to: (i32, i32), colour: Colour) {
        for y in from.1..to.1 {
            for x in from.0..to.0 {
                self.dot(x, y, colour);
            }
        }
    }

    fn ellipse(&mut self, centre: (i32, i32), radii: (i32, i32), colour: Colour) {
        let (a, b) = radii;
        for y in -b..=b {
            for x in -a..=a {
                if x * x * b * b + y * y * a * a <= a * a * b * b {
                    self.dot(centre.0 + x, centre.1 + y, colour);
                }
            }
        }
    }

    /// A jagged line to the right and downwards.
    fn crack(&mut self, rng: &mut ChaCha8Rng, from: (i32, i32)) {
        let (mut x, mut y) = from;
        for _ in 0..rng.random_range(30..70) {
            x += rng.random_range(0..=2);
            y += rng.random_range(-1..=2);
            self.rectangle((x, y), (x + 2, y + 2), CRACK);
        }
    }

    fn grain(&mut self, rng: &mut ChaCha8Rng) {
        for channel in &mut self.pixels {
            *channel = channel.saturating_add_signed(rng.random_range(-5..=5));
        }
    }
}
