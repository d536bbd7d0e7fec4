//! The policy room: values in, values out. Neither router nor database.

mod command;
mod file;
mod holidays;
mod oracle;
mod replay;
mod situations;
mod vectors;
