//! Mail.

pub mod inbound;
