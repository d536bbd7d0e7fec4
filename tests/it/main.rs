//! One binary; files mirror src. Every test runs through the real router, with the test clock, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

mod actors;
mod bad_input;
mod canary;
mod cases;
mod conventions;
mod crash;
mod disputes;
mod doctor;
mod erasure;
mod evidence;
mod guests;
mod histories;
mod http;
mod identifiers;
mod inbox;
mod intake;
mod jobs;
mod keys;
mod killed;
mod lifting;
mod machine;
mod mail;
mod moments;
mod policy;
mod protection;
mod quality;
mod race;
mod refunds;
mod removal;
mod restore;
mod retention;
mod returns;
mod rights;
mod safety;
mod script;
mod search;
mod second_path;
mod statistics;
mod structure;
mod timers;
mod twelve_years;
mod versions;
mod withdrawals;
