//! A mail that came in, as bytes: who wrote what to whom, and whether a person wrote it. Pure functions.
//!
//! Everything in a mail is its sender's claim. Here it only becomes short, clean and bounded: no input makes it panic,
//! recurse deeply, or take more than a small multiple of its own size.

pub mod parse;

mod clean;
mod html;
mod kind;
mod mime;
mod reply;

pub use kind::{Bounce, Kind};
pub use mime::said;
pub use parse::{Attachment, Dropped, Inbound, Unreadable, case_tokens, parse};

#[cfg(test)]
mod tests;
