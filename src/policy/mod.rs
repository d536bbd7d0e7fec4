//! The shop's policy and the law, as pure functions of values: no database, no clock.

pub mod calendar;
pub mod retention;
