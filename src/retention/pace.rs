//! How many rows go at once: as many as keep the one writer for about as long as nobody notices, and beside those who are
//! being served only a few at a time.

use std::time::Duration;

use crate::traffic::Traffic;

/// Batches begin with so many rows, of a table whose rows may be dear.
const FIRST: usize = 500;
const LEAST: usize = 250;
/// More than that gains nothing.
pub const MOST: usize = 5_000;

/// How long a batch may keep the writer, or the locks of the persons concerned.
pub const LONGEST: Duration = Duration::from_millis(20);
/// What a batch aims at, so that one that takes half as long again is still short enough.
const AIM: Duration = Duration::from_millis(13);

/// A batch beside those who are being served, so that a request that meets it takes hardly longer.
const BESIDE: usize = 64;
/// How many times as long as such a batch took the sweep rests after it. Few requests then meet one: with a fifth of this,
/// so many did that their slowest hundredth took a third longer.
const RESTS: u32 = 20;
/// A rest is never longer.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// So long it waits at most for a moment without a request.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Finds the size of the next batch from how long the last one took.
#[derive(Clone, Copy, Debug)]
pub struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pace {
    /// How many rows to take next.
    #[must_use]
    pub fn rows(self, traffic: &Traffic) -> usize {
        if traffic.is_there() { self.0.min(BESIDE) } else { self.0 }
    }

    /// How many rows to take next of something for which somebody waits: of the table that this was found with, or of others,
    /// whose rows may be dearer.
    #[must_use]
    pub fn full(self, is_known: bool) -> usize {
        if is_known { self.0 } else { self.0.min(FIRST) }
    }

    /// Makes room after batches that kept the writer so long: rests, and then begins where nobody is being served.
    pub async fn rest(traffic: &Traffic, kept: Duration) {
        if traffic.is_there() {
            tokio::time::sleep((kept * RESTS).min(LONGEST_REST)).await;
            traffic.gap(LONGEST_WAIT).await;
        }
    }

    /// So many rows kept the writer so long. A batch grows by half at most: one quick one may have been luck.
    pub fn took(&mut self, rows: usize, kept: Duration) {
        if rows <= BESIDE {
            // It says little about a full one.
            return;
        }
        let kept = kept.as_micros().max(1);
        let fit = (rows as u128 * AIM.as_micros() / kept).try_into().unwrap_or(usize::MAX);
        // The end of a table says nothing about a full batch that would have taken longer.
        if rows * 2 >= self.0 || fit < self.0 {
            self.0 = fit.min(self.0 + self.0 / 2).clamp(LEAST, MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_the_time_whatever_a_row_costs() {
        for micros_per_row in [1, 2, 5, 13, 40] {
            let mut pace = Pace::default();
            for _ in 0..20 {
                let rows = pace.0;
                pace.took(rows, Duration::from_micros(rows as u64 * micros_per_row));
            }
            let kept = Duration::from_micros(pace.0 as u64 * micros_per_row);
            assert!(kept <= LONGEST, "{micros_per_row}: {kept:?}");
            assert!(pace.0 == MOST || kept >= AIM / 2, "{micros_per_row}: {kept:?}");
        }
    }

    #[test]
    fn a_slow_batch_halts_growth_at_once_and_a_small_rest_does_not_count() {
        let mut pace = Pace::default();
        pace.took(1_000, Duration::from_millis(130));
        assert_eq!(pace.0, LEAST);
        let mut pace = Pace::default();
        pace.took(3, Duration::from_micros(1));
        assert_eq!(pace.0, FIRST);
    }
}
