//! Amounts in the capitals that Chinese receipts are written in, so that nobody adds a stroke.

use crate::Fen;

const DIGITS: [&str; 10] = ["零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"];
const PLACES: [&str; 4] = ["", "拾", "佰", "仟"];
/// Names of the groups of four digits; an `i64` of fen has at most five groups of yuan.
const GROUPS: [&str; 5] = ["", "万", "亿", "万亿", "亿亿"];
const GROUP_BASE: u64 = 10_000;

/// An amount in capitals (人民币大写), after the rules for filling in notes and settlement vouchers (正确填写票据和结算凭证的基本规定,
/// 支付结算办法, annex 1): `1,409.50` is 壹仟肆佰零玖元伍角整, `325.04` 叁佰贰拾伍元零肆分.
pub fn capitals(amount: Fen) -> String {
    let fen = amount.get().unsigned_abs();
    let (yuan, jiao, rest) = (fen / 100, digit(fen, 10), digit(fen, 1));
    let mut text = String::new();
    if amount.get() < 0 {
        text.push('负');
    }
    if yuan > 0 || fen == 0 {
        text.push_str(&whole(yuan));
        text.push('元');
    }
    match (jiao, rest) {
        (0, 0) => text.push('整'),
        (_, 0) => {
            text.push_str(&zero_before(yuan, jiao));
            text.push_str("角整");
        }
        (0, _) => {
            if yuan > 0 {
                text.push_str(DIGITS[0]);
            }
            text.push_str(named(rest));
            text.push('分');
        }
        _ => {
            text.push_str(&zero_before(yuan, jiao));
            text.push('角');
            text.push_str(named(rest));
            text.push('分');
        }
    }
    text
}

/// The digit of jiao; after yuan that end in 0 a zero before it closes the gap.
fn zero_before(yuan: u64, jiao: u64) -> String {
    let gap = yuan > 0 && yuan.is_multiple_of(10);
    format!("{}{}", if gap { DIGITS[0] } else { "" }, named(jiao))
}

/// A whole number: zeros within it are said once, those at its end not at all.
fn whole(number: u64) -> String {
    if number == 0 {
        return DIGITS[0].to_owned();
    }
    let mut text = String::new();
    let mut gap = false;
    for (power, name) in GROUPS.iter().enumerate().rev() {
        let unit = GROUP_BASE.saturating_pow(u32::try_from(power).unwrap_or(u32::MAX));
        let group = number / unit % GROUP_BASE;
        for (place, place_name) in PLACES.iter().enumerate().rev() {
            let digit = digit(group, 10_u64.pow(u32::try_from(place).unwrap_or_default()));
            if digit == 0 {
                gap = !text.is_empty();
                continue;
            }
            if gap {
                text.push_str(DIGITS[0]);
                gap = false;
            }
            text.push_str(named(digit));
            text.push_str(place_name);
        }
        if group > 0 {
            text.push_str(name);
        }
    }
    text
}

/// The digit of a number at a unit.
const fn digit(number: u64, unit: u64) -> u64 {
    number / unit % 10
}

fn named(digit: u64) -> &'static str {
    usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_examples_of_the_rules() {
        for (fen, text) in [
            (140_950, "壹仟肆佰零玖元伍角整"),
            (600_714, "陆仟零柒元壹角肆分"),
            (168_032, "壹仟陆佰捌拾元零叁角贰分"),
            // The rules leave it open whether a zero is said before 柒仟, and before 伍角: it always is.
            (10_700_053, "壹拾万零柒仟元零伍角叁分"),
            (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
            (32_504, "叁佰贰拾伍元零肆分"),
        ] {
            assert_eq!(capitals(Fen(fen)), text, "{fen}");
        }
    }

    #[test]
    fn writes_round_and_small_amounts() {
        for (fen, text) in [
            (0, "零元整"),
            (1, "壹分"),
            (10, "壹角整"),
            (59, "伍角玖分"),
            (100, "壹元整"),
            (1_000, "壹拾元整"),
            (100_000, "壹仟元整"),
            (118_676, "壹仟壹佰捌拾陆元柒角陆分"),
            (100_000_000, "壹佰万元整"),
            (100_010_000, "壹佰万零壹佰元整"),
            (1_000_100, "壹万零壹元整"),
            (10_000_000_100, "壹亿零壹元整"),
            (-500, "负伍元整"),
        ] {
            assert_eq!(capitals(Fen(fen)), text, "{fen}");
        }
    }

    #[test]
    fn every_amount_has_its_own_words() {
        let words: std::collections::BTreeSet<String> =
            (0..200_000).map(|fen| capitals(Fen(fen))).collect();
        assert_eq!(words.len(), 200_000);
        assert!(capitals(Fen(i64::MAX)).starts_with('玖'), "{}", capitals(Fen(i64::MAX)));
    }
}
