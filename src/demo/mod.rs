//! Twelve years of fictional cases.
use crate::config::Config;
/// Customer.
pub const MAX: &str = "max.mustermann@example.com";
/// Filled.
pub struct Filled;
/// Fills.
///
/// # Errors
/// x
pub async fn fill(_: Config) -> anyhow::Result<Filled> {
    Ok(Filled)
}
/// Greets.
pub fn greeting(_: &Filled, url: &str, _: &serde_json::Value) -> String {
    url.to_owned()
}
