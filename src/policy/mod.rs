//! The shop's policy and the law, as pure functions of values: no database, no clock.
//!
//! Read from the ground up: `calendar`, `holidays`, `workdays` and `hours` say what a day is; `rules` say what is owed;
//! `deadline` reckons and explains by `step`s; `shop` is what the merchant may set; `rights` says what a customer may
//! ask for, `refund` what a refund comes to, and `retention` how long data is kept.

pub mod calendar;
pub mod carriage;
pub mod data_types;
pub mod deadline;
pub mod holidays;
pub mod hours;
pub mod last_use;
pub mod measure;
pub mod money;
pub mod reasons;
pub mod refund;
pub mod retention;
pub mod rights;
pub mod rules;
pub mod shop;
pub mod statistics;
pub mod step;
pub mod withholding;
pub mod words;
pub mod workdays;
