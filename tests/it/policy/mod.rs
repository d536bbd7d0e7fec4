//! The policy room: values in, values out. Neither router nor database.

mod file;
mod holidays;
