//! One binary; files mirror src. Every test runs through the real router, with the test clock, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

mod actors;
mod bad_input;
mod canary;
mod cases;
mod conventions;
mod disputes;
mod erasure;
mod evidence;
mod guests;
mod histories;
mod http;
mod inbox;
mod intake;
mod jobs;
mod keys;
mod killed;
mod machine;
mod mail;
mod policy;
mod quality;
mod refunds;
mod retention;
mod returns;
mod rights;
mod script;
mod search;
mod structure;
mod timers;
mod twelve_years;
mod withdrawals;
