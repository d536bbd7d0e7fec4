//! What is stored: one file per table, and for every column what it is.
//!
//! No GraphQL, HTTP or clock here. [`map::tables`] is the one list that export, erasure, retention and the
//! documents execute; a column that its file does not classify does not compile.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod codes;
pub mod data_type;
pub mod ids;
pub mod map;
pub mod sealed;

pub mod access_entries;
pub mod attachments;
pub mod audit_entries;
pub mod carrier_events;
pub mod case_transitions;
pub mod cases;
pub mod consents;
pub mod customers;
pub mod disclosures;
pub mod disputes;
pub mod erasures;
pub mod holds;
pub mod idempotency_keys;
pub mod inbound_mails;
pub mod inquiry_entries;
pub mod job_runs;
pub mod jobs;
pub mod mails;
pub mod messages;
pub mod order_lines;
pub mod orders;
pub mod outbox_entries;
pub mod parcels;
pub mod policy_versions;
pub mod proposals;
pub mod purpose;
pub mod refunds;
pub mod remedies;
pub mod restrictions;
pub mod retention_control;
pub mod retention_plan_rows;
pub mod retention_plans;
pub mod retention_rules;
pub mod retention_runs;
pub mod return_lines;
pub mod returns;
pub mod safety_entries;
pub mod service_statistics;
pub mod staff;
pub mod suppressions;
pub mod tasks;
pub mod timers;
pub mod tokens;
pub mod withdrawals;

pub use data_type::DataType;
pub use purpose::Purpose;
pub use sealed::Sealed;
