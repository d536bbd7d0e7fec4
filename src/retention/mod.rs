//! The life of a row after its work is done: start events, holds, the one door of deletion, the sweep, the ledger.
//!
//! Knows the data map and the rules, not the domain rooms. Only [`door`] deletes or clears personal rows.

pub mod anonymise;
pub mod archive;
pub mod door;
pub mod due;
pub mod explain;
pub mod forecast;
pub mod guards;
pub mod holds;
pub mod ledger;
pub mod pace;
pub mod paths;
pub mod person;
pub mod plan;
pub mod protections;
pub mod read;
pub mod restrictions;
pub mod rows;
pub mod rules;
pub mod run;
pub mod starts;
pub mod sweep;
