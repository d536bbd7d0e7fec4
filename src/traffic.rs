//! Whether somebody is being served at the moment: work that can wait makes room for who cannot.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So long after a request somebody is still there.
const LINGERS: Duration = Duration::from_secs(1);

/// When this process last served somebody, by the machine's own clock: it is about processors, not about deadlines. What
/// other instances serve is not seen.
#[derive(Debug)]
pub struct Traffic {
    since: Instant,
    /// Milliseconds since then, and one more; zero: never.
    last: AtomicU64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { since: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Traffic {
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Somebody is being served.
    pub fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Somebody was served a moment ago.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && u128::from(self.now() - last.min(self.now())) < LINGERS.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_there_for_a_second_after_a_request_and_not_before_the_first() {
        let ago =
            |ms: u64| Traffic { since: Instant::now() - Duration::from_secs(60), last: AtomicU64::new(60_001 - ms) };
        assert!(!Traffic::default().is_there());
        assert!(ago(0).is_there() && ago(500).is_there());
        assert!(!ago(1_500).is_there());
        let old = ago(30_000);
        old.note();
        assert!(old.is_there());
    }
}
