//! Looking for many texts at once, in opened text and in bytes, without regard to case.

use std::io::Read;

use aho_corasick::AhoCorasick;

/// A text to look for.
#[derive(Clone, Debug)]
pub struct Needle {
    /// The text.
    pub text: String,
    /// Only as a word of its own: `C-1` is not in `C-10`.
    pub whole: bool,
    /// Also in plain values and raw bytes, where a short number would be found by chance.
    pub in_plain: bool,
}

/// All that is looked for, ready to be used. Every search answers with the places of the needles in the list.
pub struct Search {
    needles: Vec<Needle>,
    texts: AhoCorasick,
    bytes: AhoCorasick,
    /// For each pattern of `bytes`, its needle.
    of: Vec<usize>,
    longest: usize,
}

impl Search {
    /// Prepares a search.
    ///
    /// # Errors
    /// There is more to look for than fits.
    pub fn new(needles: Vec<Needle>) -> anyhow::Result<Self> {
        let lower: Vec<String> = needles.iter().map(|n| n.text.to_lowercase()).collect();
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (at, needle) in needles.iter().enumerate().filter(|(_, n)| n.in_plain) {
            // ASCII is compared without case; other letters are looked for in small and in capital letters.
            let mut forms = vec![lower[at].clone(), needle.text.to_uppercase()];
            forms.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
            of.extend(forms.iter().map(|_| at));
            patterns.extend(forms);
        }
        let longest = patterns.iter().map(String::len).max().unwrap_or(1);
        let texts = AhoCorasick::new(&lower)?;
        let bytes = AhoCorasick::builder().ascii_case_insensitive(true).build(&patterns)?;
        Ok(Self { needles, texts, bytes, of, longest })
    }

    /// The needles in a text.
    #[must_use]
    pub fn in_text(&self, text: &str, is_plain: bool) -> Vec<usize> {
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for hit in self.texts.find_overlapping_iter(&text) {
            let at = hit.pattern().as_usize();
            let needle = &self.needles[at];
            let alone = !needle.whole || is_word(&text, hit.start(), hit.end());
            if alone && (needle.in_plain || !is_plain) && !found.contains(&at) {
                found.push(at);
            }
        }
        found
    }

    /// The needles in a stream of bytes, read in pieces.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn in_reader(&self, mut reader: impl Read) -> std::io::Result<Vec<usize>> {
        let (mut window, mut piece) = (Window::default(), vec![0; 256 * 1024]);
        loop {
            let read = reader.read(&mut piece)?;
            if read == 0 {
                return Ok(window.found);
            }
            self.in_piece(&mut window, &piece[..read]);
        }
    }

    /// The next piece of a stream of bytes; what it found so far stands in the window.
    pub fn in_piece(&self, window: &mut Window, piece: &[u8]) {
        window.rest.extend_from_slice(piece);
        for hit in self.bytes.find_overlapping_iter(&window.rest) {
            let at = self.of[hit.pattern().as_usize()];
            if !window.found.contains(&at) {
                window.found.push(at);
            }
        }
        // A text may be cut by the end of the piece.
        let keep = window.rest.len().saturating_sub(self.longest.saturating_sub(1));
        window.rest.drain(..keep);
    }
}

/// What is left of the pieces before, and what was found in them.
#[derive(Default)]
pub struct Window {
    rest: Vec<u8>,
    /// The needles found so far.
    pub found: Vec<usize>,
}

impl Window {
    /// What follows is another stream.
    pub fn begin_anew(&mut self) {
        self.rest.clear();
    }
}

fn is_word(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needle(text: &str, whole: bool, in_plain: bool) -> Needle {
        Needle { text: text.to_owned(), whole, in_plain }
    }

    #[test]
    fn case_does_not_count_and_words_do() {
        let search = Search::new(vec![
            needle("C-1", true, false),
            needle("Jörg Öztürk", true, true),
            needle("max@example.com", true, true),
        ])
        .unwrap();
        assert_eq!(search.in_text("Bestellung c-1, c-10", false), [0]);
        assert_eq!(search.in_text("Bestellung C-10", false), Vec::<usize>::new());
        assert_eq!(search.in_text("C-1", true), Vec::<usize>::new(), "too short for plain values");
        assert_eq!(search.in_text("JÖRG ÖZTÜRK <MAX@example.com>", true), [1, 2]);
        assert_eq!(search.in_text("climax@example.com", true), Vec::<usize>::new());
        let bytes = "\0\0JÖRG ÖZTÜRKmax@EXAMPLE.comC-1".as_bytes();
        let mut found = search.in_reader(bytes).unwrap();
        found.sort_unstable();
        assert_eq!(found, [1, 2], "in raw bytes words have no ends");
    }

    proptest! {
        /// However the stream is cut into pieces, nothing is missed.
        #[test]
        fn pieces_hide_nothing(cut in 1_usize..40, before in 0_usize..100) {
            let search = Search::new(vec![needle("needle@example.com", true, true)]).unwrap();
            let hay = [vec![b'x'; before], b"Needle@Example.com".to_vec(), vec![b'y'; 7]].concat();
            let mut window = Window::default();
            for piece in hay.chunks(cut) {
                search.in_piece(&mut window, piece);
            }
            prop_assert_eq!(window.found, vec![0]);
        }
    }
}
