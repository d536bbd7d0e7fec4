//! Integer arithmetic of money: parts of an amount, and the tax that a gross amount holds.

/// The tax within a gross amount at a rate in hundredths of a percent, in minor units; halves away from zero.
///
/// A rate is not negative. The net is what remains, so net and tax always add up to the gross.
#[must_use]
pub fn tax_of(gross_minor: i64, tax_basis_points: i32) -> i64 {
    let rate = i128::from(tax_basis_points.max(0));
    rounded(i128::from(gross_minor) * rate, 10_000 + rate)
}

/// `part` of `whole` parts of an amount; halves away from zero. `whole` is above zero.
pub(super) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    rounded(i128::from(amount) * i128::from(part), i128::from(whole))
}

/// Spreads an amount in proportion to weights. The parts add up to it, and none is larger than its weight as long as the
/// amount is not larger than their sum.
pub(super) fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let (mut left, mut of) = (amount, weights.iter().sum::<i64>());
    let mut part = |weight: i64| {
        let part = if of == 0 { 0 } else { share(left, weight, of) };
        (left, of) = (left - part, of - weight);
        part
    };
    weights.iter().map(|weight| part(*weight)).collect()
}

/// A quotient, halves away from zero. It is never larger than its dividend's own range, as no divisor is a fraction and no
/// part larger than its whole.
fn rounded(dividend: i128, divisor: i128) -> i64 {
    let half = dividend.signum() * divisor;
    let quotient = (2 * dividend + half) / (2 * divisor);
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}
