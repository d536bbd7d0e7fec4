//! How often something may be asked for without an account, and how long the answer takes.
//!
//! Counters live in the memory of one instance, are bounded, and go by the one clock: they slow guessing down and keep a
//! stranger from flooding somebody's mailbox. They are no lock, and a restart forgets them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Most counters at once, about 2 MB. Of more, the oldest goes.
const MOST: usize = 20_000;
/// Every answer of [`evenly`] comes a whole number of these after the question.
const TICK: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
struct Window {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    count: u32,
}

/// Counters by key.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<Vec<u8>, Window>>);

impl Limits {
    /// Counts one more use of a key; `false` once it has been used `most` times within `span` of the first.
    #[must_use]
    pub fn allow(&self, key: Vec<u8>, most: u32, span: TimeDelta, now: DateTime<Utc>) -> bool {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= MOST && !counters.contains_key(&key) {
            counters.retain(|_, window| window.until > now);
            if counters.len() >= MOST
                && let Some(oldest) = counters.iter().min_by_key(|(_, window)| window.since).map(|(key, _)| key.clone())
            {
                counters.remove(&oldest);
            }
        }
        let fresh = Window { since: now, until: now + span, count: 0 };
        let window = counters.entry(key).or_insert(fresh);
        if window.until <= now {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        window.count <= most
    }
}

/// Does the work and answers on the next tick of a monotonic clock, counted from the question: whether the work found
/// something does not show in how long it took, as long as both fit into the same tick.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let mut tick = tokio::time::Instant::now() + TICK;
    let done = work.await;
    while tick < tokio::time::Instant::now() {
        tick += TICK;
    }
    tokio::time::sleep_until(tick).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_key_is_used_up_and_comes_back() {
        let limits = Limits::default();
        let ask = |key: &[u8], seconds| limits.allow(key.to_vec(), 2, TimeDelta::seconds(10), at(seconds));
        assert!(ask(b"a", 0) && ask(b"a", 9));
        assert!(!ask(b"a", 9), "the third within ten seconds");
        assert!(ask(b"b", 9), "another key");
        assert!(ask(b"a", 10), "ten seconds after the first");
    }

    #[test]
    fn the_memory_is_bounded() {
        let limits = Limits::default();
        for n in 0..i64::try_from(MOST).unwrap() + 50 {
            assert!(limits.allow(n.to_be_bytes().to_vec(), 1, TimeDelta::days(1), at(n)));
        }
        assert_eq!(limits.0.lock().unwrap().len(), MOST);
        assert!(!limits.allow((MOST as i64).to_be_bytes().to_vec(), 1, TimeDelta::days(1), at(30_000)), "a late one");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_come_on_a_tick() {
        let begun = tokio::time::Instant::now();
        assert_eq!(evenly(async { 7 }).await, 7);
        assert_eq!(begun.elapsed(), TICK);
        let begun = tokio::time::Instant::now();
        evenly(tokio::time::sleep(Duration::from_millis(300))).await;
        assert_eq!(begun.elapsed(), 2 * TICK);
    }
}
