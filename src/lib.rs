//! The after-sales backend of an online shop whose personal data looks after itself.
//!
//! Who may import whom, downwards only, checked by a test:
//! `main → cli → http → graphql → {guests, withdrawals, inbox, orders, customers, cases, returns, refunds, disputes, evidence,
//! safety, privacy, staff} → {retention, mail} → {keys, outbox, audit, policy} → entity`, and `graphql, cli → jobs → {cases, returns,
//! refunds, disputes, privacy, mail, retention}`. `state`, `db`, `clock`, `config`, `error`, `auth`, `base32`, `cards`, `input`,
//! `limits`, `policies`, `presence` and `idempotency` serve all. Only `http` and `graphql` name axum or async-graphql, and no domain room
//! names `privacy`.

pub mod audit;
pub mod auth;
pub mod base32;
pub mod cards;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod config;
pub mod customers;
pub mod db;
pub mod demo;
pub mod disputes;
pub mod error;
pub mod evidence;
pub mod graphql;
pub mod guests;
pub mod http;
pub mod idempotency;
pub mod inbox;
pub mod input;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod orders;
pub mod outbox;
pub mod policies;
pub mod policy;
pub mod presence;
pub mod privacy;
pub mod refunds;
pub mod retention;
pub mod returns;
pub mod safety;
pub mod staff;
pub mod state;
pub mod traffic;
pub mod withdrawals;
