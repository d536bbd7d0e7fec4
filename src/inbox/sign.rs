//! Whether a delivery comes from the mail gateway: an HMAC-SHA-256 over time and body, not older than five minutes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::state::App;

/// Seconds by which the clocks of gateway and server may differ, transport included.
const TOLERANCE: i64 = 300;

/// Why a delivery is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No secret is set: nothing is received here.
    NotConfigured,
    /// No signature, a wrong one, or one of another time.
    Signature,
}

/// Checks the header `X-Signature: t=<seconds>,v1=<hex>` over `<seconds>.<body>`.
///
/// # Errors
/// Not configured, or not signed by the gateway just now.
pub fn check(app: &App, header: Option<&str>, body: &[u8]) -> Result<(), Refused> {
    let secret = app.config.inbound_secret.as_ref().ok_or(Refused::NotConfigured)?;
    verify(secret.reveal().as_bytes(), app.clock.now().timestamp(), header.unwrap_or_default(), body)
        .ok_or(Refused::Signature)
}

/// Whether a signature is there and of this time: what is not is refused before its body is read.
#[must_use]
pub fn is_of_now(app: &App, header: Option<&str>) -> bool {
    parts(app.clock.now().timestamp(), header.unwrap_or_default()).is_some()
}

/// Time and signature, if that is of this time.
fn parts(now: i64, header: &str) -> Option<(&str, Vec<u8>)> {
    let part = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (time, given) = (part("t")?, unhex(part("v1")?)?);
    let is_of_now = time.parse::<i64>().ok()?.checked_sub(now)?.unsigned_abs() <= TOLERANCE.unsigned_abs();
    is_of_now.then_some((time, given))
}

fn verify(secret: &[u8], now: i64, header: &str, body: &[u8]) -> Option<()> {
    let (time, given) = parts(now, header)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&given).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_this_body_and_this_time() {
        // printf '1000.body' | openssl dgst -sha256 -hmac key
        let header = "t=1000,v1=SIGNED";
        let mac = |text: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        let header = header.replace("SIGNED", &mac("1000.body"));
        assert!(verify(b"key", 1300, &header, b"body").is_some());
        assert!(verify(b"key", 700, &header, b"body").is_some());
        assert!(verify(b"key", 1301, &header, b"body").is_none(), "too old");
        assert!(verify(b"key", 699, &header, b"body").is_none(), "from the future");
        assert!(verify(b"key", 1000, &header, b"bodY").is_none());
        assert!(verify(b"other", 1000, &header, b"body").is_none());
        for broken in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=0", "t=1000,v1=zz", "t=9223372036854775807,v1=00"]
        {
            assert!(verify(b"key", -2, broken, b"body").is_none(), "{broken}");
        }
    }
}
