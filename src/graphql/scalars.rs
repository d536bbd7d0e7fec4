//! Money. A GraphQL Int ends at 21 million euros in cents, so amounts have a scalar of their own.

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

/// A whole number of minor units (cents), as a JSON number within ±2^53 so that JavaScript keeps it exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinorUnits(pub i64);

const SAFE: i64 = 1 << 53;

#[Scalar]
impl ScalarType for MinorUnits {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Number(number) => match number.as_i64() {
                Some(n) if (-SAFE..=SAFE).contains(&n) => Ok(Self(n)),
                _ => Err(InputValueError::custom("expected a whole number of minor units such as 1999 for 19.99")),
            },
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// An amount of money.
#[derive(SimpleObject, Clone, Debug)]
pub struct Money {
    /// The amount in minor units, such as 1999 for 19.99.
    pub amount_minor: MinorUnits,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// An amount.
    #[must_use]
    pub const fn new(amount_minor: i64, currency: String) -> Self {
        Self { amount_minor: MinorUnits(amount_minor), currency }
    }
}

/// An amount of money.
#[derive(InputObject, Clone, Debug)]
pub struct MoneyInput {
    /// The amount in minor units, such as 1999 for 19.99.
    pub amount_minor: MinorUnits,
    /// ISO 4217 code.
    pub currency: String,
}
