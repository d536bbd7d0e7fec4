//! Text as it lies in the database: AES-256-GCM, bound to table, column and row. Only `aftersales::keys` opens it.

use sea_orm::DeriveValueType;

/// Version byte, 12-byte nonce, ciphertext with tag. `Debug` shows the length alone.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
