//! Whether somebody is being served at the moment: work that can wait makes room for who cannot.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// So long after a request somebody is still there.
const LINGERS: Duration = Duration::from_secs(1);

/// Whom this process serves, by the machine's own clock: it is about processors, not about deadlines. What other instances
/// serve is not seen.
#[derive(Debug)]
pub struct Traffic {
    since: Instant,
    /// When somebody was last served, in milliseconds since then, and one more; zero: never.
    last: AtomicU64,
    /// Requests that are being answered.
    serving: AtomicUsize,
    /// The last of them has its answer.
    idle: Notify,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { since: Instant::now(), last: AtomicU64::new(0), serving: AtomicUsize::new(0), idle: Notify::new() }
    }
}

/// Somebody is being served until this is dropped.
#[derive(Debug)]
pub struct Serving<'a>(&'a Traffic);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.note();
        if self.0.serving.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Traffic {
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Somebody is being served.
    pub fn serve(&self) -> Serving<'_> {
        self.note();
        self.serving.fetch_add(1, Ordering::AcqRel);
        Serving(self)
    }

    /// Somebody was served a moment ago.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && u128::from(self.now() - last.min(self.now())) < LINGERS.as_millis()
    }

    /// Waits for a moment at which nobody is being served, but not longer than this: there may be none.
    pub async fn gap(&self, longest: Duration) {
        let idle = async {
            loop {
                let notified = self.idle.notified();
                if self.serving.load(Ordering::Acquire) == 0 {
                    return;
                }
                notified.await;
            }
        };
        // Either way it goes on.
        let _ = tokio::time::timeout(longest, idle).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_there_for_a_second_after_a_request_and_not_before_the_first() {
        let ago = |ms: u64| Traffic {
            since: Instant::now() - Duration::from_secs(60),
            last: AtomicU64::new(60_001 - ms),
            ..Traffic::default()
        };
        assert!(!Traffic::default().is_there());
        assert!(ago(0).is_there() && ago(500).is_there());
        assert!(!ago(1_500).is_there());
        let old = ago(30_000);
        drop(old.serve());
        assert!(old.is_there());
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_begins_with_the_last_answer_or_is_not_waited_for_any_longer() {
        let (traffic, second) = (Traffic::default(), Duration::from_secs(1));
        let begun = tokio::time::Instant::now();
        traffic.gap(second).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "nobody is there");
        let (one, other) = (traffic.serve(), traffic.serve());
        let answers = async {
            tokio::time::sleep(second / 10).await;
            drop(one);
            tokio::time::sleep(second / 10).await;
            drop(other);
        };
        tokio::join!(answers, traffic.gap(second));
        assert_eq!(begun.elapsed(), second / 5);
        let _uploads = traffic.serve();
        traffic.gap(second).await;
        assert_eq!(begun.elapsed(), second / 5 + second);
    }
}
