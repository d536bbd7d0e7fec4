//! Figures of a year by one or two coarse properties: they stay when the cases have gone, and say nothing about few.

use chrono::Datelike as _;
use entity::service_statistics::{Counted, Dimension};

use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::policy::calendar;
use crate::policy::statistics::{self, Table};
use crate::retention::anonymise;
use crate::state::App;

/// The first year that can be asked for.
const EARLIEST: i32 = 2000;

/// The figures of a year, by one property or two. One year at a time and two properties at most: ranges and filters that
/// overlap could be subtracted from each other.
///
/// # Errors
/// For administrators, agents and finance. Refused: a year to come, no property, more than two, one twice or one that what is
/// counted does not have.
pub async fn figures(app: &App, actor: &Actor, counted: Counted, year: i32, by: &[Dimension]) -> Result<Table> {
    actor.require(Permission::ReadQuality)?;
    let this_year = calendar::day_of(app.clock.now()).year();
    if !(EARLIEST..=this_year).contains(&year) {
        let refusal = Refusal::at(Code::Invalid, &["year"]).with("earliest", EARLIEST);
        return Err(refusal.with("latest", this_year).into());
    }
    let known = statistics::dimensions(counted);
    let pair = match by {
        [one] if known.contains(one) => (*one, *one),
        [one, other] if one != other && known.contains(one) && known.contains(other) => statistics::pair(*one, *other),
        _ => {
            let names: Vec<&str> = known.iter().map(|d| d.code()).collect();
            let refusal = Refusal::at(Code::Invalid, &["by"]).with("expected", "one property, or two different ones");
            return Err(refusal.with("possible", names.join(", ")).into());
        }
    };
    anonymise::figures(app, counted, year, pair).await
}
