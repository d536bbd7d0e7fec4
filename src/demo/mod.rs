//! The demo: an empty folder is filled with twelve years of a fictional shop. A plan is drawn from a fixed seed and then
//! lived through with a clock that goes from then to now, so that every date, key and audit entry is a real one. No
//! retention job runs meanwhile: the first one afterwards has twelve years to clear up.

mod deeds;
mod gallery;
mod goods;
mod known;
mod life;
mod people;
mod photo;
mod plan;
mod replay;
mod safety;
mod texts;
mod trade;

use std::fmt::Write as _;

use chrono::Datelike as _;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::sqlx::sqlite::SqliteSynchronous;

use crate::clock::{Clock, FixedClock};
use crate::config::Config;
use crate::policy::calendar;
use crate::state::App;
use plan::Plan;
use replay::Replay;

/// The customer with a refund of this year: an erasure keeps part.
pub const MAX: &str = "max.mustermann@example.com";
/// The customer whose only case is advice without an order: an erasure keeps nothing.
pub const ERIKA: &str = "erika.mustermann@example.com";

/// What the demo was filled with, before the first run of the retention job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Customers.
    pub customers: usize,
    /// Orders.
    pub orders: usize,
    /// Cases.
    pub cases: usize,
    /// Refunds.
    pub refunds: usize,
    /// Photos.
    pub photos: usize,
}

/// Fills an empty folder; progress goes to stderr. Every connection is closed again at the end.
///
/// # Errors
/// The folder cannot be written, or an event of the plan is refused: the text names it.
pub async fn fill(config: Config) -> anyhow::Result<Filled> {
    // Draws depend on where weekends and the year's end lie: from midnight on, every fill of one day is the same.
    let today = calendar::start_of(calendar::day_of(Clock::System.now()));
    let (people, events) = Plan::make(today);
    let clock = FixedClock::at(Plan::start(today));
    let app = App::open_with(config, Clock::Fixed(clock.clone()), SqliteSynchronous::Off).await?;
    let mut progress = Progress::of(events.len())?;
    let mut replay = Replay::new(&app, clock, people);
    for event in events {
        progress.step(event.at.year());
        replay.apply(event).await?;
    }
    let filled = replay.filled();
    progress.bar.finish_and_clear();
    app.db.clone().close().await;
    app.keys.db().clone().close().await;
    Ok(filled)
}

/// A bar on a terminal, a line for every tenth elsewhere.
struct Progress {
    bar: ProgressBar,
    total: usize,
    done: usize,
}

impl Progress {
    fn of(total: usize) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("filling {bar:40} {percent:>3} %  {msg}")?;
        let bar = ProgressBar::new(u64::try_from(total)?).with_style(style);
        Ok(Self { bar, total, done: 0 })
    }

    fn step(&mut self, year: i32) {
        let tenth = |done: usize| done * 10 / self.total.max(1);
        let (before, after) = (tenth(self.done), tenth(self.done + 1));
        self.done += 1;
        self.bar.set_message(year.to_string());
        self.bar.inc(1);
        if self.bar.is_hidden() && after > before {
            eprintln!("filling: {after}0 % ({year})");
        }
    }
}

const CASES: &str = r"query Cases {
  serviceCases(first: 5) {
    nodes {
      number kindLabel stateLabel outcomeLabel openedAt
      customer { displayName emailMasked }
      refunds { stateLabel amount { amountMinor currency } }
      messages(first: 3) { nodes { form author sentAt } }
    }
    pageInfo { hasNextPage endCursor }
  }
}";

const RETENTION: &str = r"query MyRecords {
  serviceCases {
    nodes {
      number stateLabel
      retention { dataType keptUntil action because }
      messages { nodes { body retention { dataType keptUntil because floor } } }
      refunds { stateLabel retention { dataType keptUntil because floor } }
      attachments { fileName retention { dataType keptUntil because } }
    }
  }
}";

/// What to do with the filled demo: tokens, and queries to paste into GraphiQL.
#[must_use]
pub fn greeting(filled: &Filled, url: &str, tokens: &serde_json::Value) -> String {
    let Filled { customers, orders, cases, refunds, photos } = filled;
    let mut text = format!(
        "\nTwelve years of a fictional shop: {customers} customers, {orders} orders, {cases} cases, {refunds} refunds, \
         {photos} photos.\n\nServer    {url}\nGraphiQL  {url}/graphql in a browser\n\n\
         A token per role, sent as `Authorization: Bearer TOKEN` (customer is {MAX}):\n"
    );
    for role in ["customer", "agent", "warehouse", "finance", "dpo", "admin", "shop"] {
        let token = tokens.get(role).and_then(serde_json::Value::as_str).unwrap_or("none");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{role:<10}{token}");
    }
    let _ = write!(
        text,
        "\n# 1. The newest cases with customer, refunds and messages (agent)\n{CASES}\n\n\
         # 2. Why your own records are kept, and until when (customer)\n{RETENTION}\n\n\
         # 3. What an erasure of {MAX} would do (dpo)\n{}\n",
        subject()
    );
    text
}

fn subject() -> String {
    format!(
        "query Subject {{\n  dataSubject(email: \"{MAX}\") {{\n    customerId\n    holds {{ reason reviewOn }}\n    \
         erasurePreview {{\n      state backupsUnreadableFrom\n      records {{ table dataType outcome until because article }}\n    \
         }}\n  }}\n}}"
    )
}
