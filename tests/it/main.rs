//! One binary; files mirror src. Every test runs through the real router, with the test clock, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

mod actors;
mod bad_input;
mod canary;
mod cases;
mod conventions;
mod erasure;
mod evidence;
mod guests;
mod http;
mod inbox;
mod intake;
mod jobs;
mod keys;
mod mail;
mod policy;
mod refunds;
mod retention;
mod rights;
mod structure;
mod timers;
mod withdrawals;
