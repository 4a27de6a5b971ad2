//! What a bill's step comes to before it is rounded, so that a reader with a pocket calculator
//! sees the same digits. For the eye alone: the amounts are the bill's own.

use std::borrow::Borrow;

use service::board::{Basis, Fen, Litres, Per};

/// Decimals of cubic metres, and of mu.
pub(crate) const CUBIC_METRE_DECIMALS: u32 = 3;
pub(crate) const MU_DECIMALS: u32 = 2;
/// Decimals of yuan that a share is shown with before it is rounded.
const SHARE_DECIMALS: u32 = 4;

/// `quantity` of 10^-`decimals` units × the price with ` ≈ ` behind it, where that is no whole number of fen; nothing
/// otherwise.
pub(crate) fn unrounded(quantity: i64, decimals: u32, basis: &Basis, amount: Fen) -> String {
    let decimals = if basis.per == Per::HundredCubicMetres { decimals + 2 } else { decimals };
    let rounded = Fen(amount.get().abs());
    let exact = product(quantity, decimals, &basis.price.to_string(), rounded);
    exact.map(|exact| format!("{exact} ≈ ")).unwrap_or_default()
}

/// A watering's price × share ÷ volume, cut off after four decimals.
pub(crate) fn share_unrounded(
    whole: impl Borrow<Fen>,
    share: impl Borrow<Litres>,
    volume: impl Borrow<Litres>,
) -> String {
    let volume = i128::from(volume.borrow().get()).max(1);
    let exact = i128::from(whole.borrow().get()) * 100 * i128::from(share.borrow().get()) / volume;
    decimal(exact, SHARE_DECIMALS)
}

/// `quantity` of 10^-`decimals` units × `price`; none where that is exactly `rounded`.
fn product(quantity: i64, decimals: u32, price: &str, rounded: Fen) -> Option<String> {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    let places = u32::try_from(part.len()).ok()?;
    let units: i128 = format!("{whole}{part}").parse().ok()?;
    let exact = i128::from(quantity).checked_mul(units)?;
    let per_fen = 10_i128.checked_pow((decimals + places).checked_sub(2)?)?;
    let is_rounded = exact == i128::from(rounded.get()) * per_fen;
    (!is_rounded).then(|| decimal(exact, decimals + places))
}

/// A decimal without needless zeros at its end.
fn decimal(value: i128, decimals: u32) -> String {
    let base = 10_u128.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.unsigned_abs() / base, value.unsigned_abs() % base);
    let text = format!("{sign}{whole}.{part:0width$}", width = decimals as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_a_pocket_calculator_shows() {
        assert_eq!(product(288_509, 3, "0.183", Fen(5280)), Some("52.797147".to_owned()));
        assert_eq!(product(250, 2, "4", Fen(1000)), None);
        assert_eq!(product(111_000, 3, "0.152", Fen(1687)), Some("16.872".to_owned()));
        assert_eq!(share_unrounded(Fen(5280), Litres(80_141), Litres(288_509)), "14.6665");
        assert_eq!(share_unrounded(Fen(0), Litres(0), Litres(0)), "0");
    }
}
