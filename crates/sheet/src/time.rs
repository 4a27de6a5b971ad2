//! Dates and times as clerks write them: the wall clock in Beijing, unless an offset stands beside it.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// An instant in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// What is allowed, for messages.
pub const INSTANT_FORMS: &str =
    "2016-05-01 14:30, 2016/5/1 14:30:00, 2016年5月1日14时30分, or RFC 3339 with an offset";

/// Beijing time is eight hours ahead of UTC, without summer time since 1992.
const BEIJING_OFFSET_MILLIS: i64 = 8 * 3600 * 1000;
const DATE_SEPARATORS: [char; 3] = ['-', '/', '.'];

/// The instant of a wall clock in Beijing.
pub(crate) fn beijing(wall: NaiveDateTime) -> Option<Instant> {
    wall.and_utc().timestamp_millis().checked_sub(BEIJING_OFFSET_MILLIS).map(Instant)
}

/// Reads a date with a time of day; none if it is another form, or no such time exists.
pub(crate) fn parse(text: &str) -> Option<Instant> {
    let text = halfwidth(text);
    if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        return Some(Instant(time.timestamp_millis()));
    }
    let text = text
        .replace(['年', '月'], "-")
        .replace('日', " ")
        .replace(['时', '点'], ":")
        .replace(['分', '秒'], ":");
    let (date, time) = text.trim().trim_end_matches(':').split_once([' ', 'T'])?;
    beijing(read_date(date)?.and_hms_opt(0, 0, 0)?.checked_add_signed(read_time(time.trim())?)?)
}

/// Reads a date alone as its midnight in Beijing; none if it is another form, or no such day exists.
pub(crate) fn parse_day(text: &str) -> Option<Instant> {
    const COMPACT_DIGITS: usize = 8;
    let text = halfwidth(text);
    let text = text.trim();
    if text.len() == COMPACT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let (year, rest) = text.split_at(4);
        let (month, day) = rest.split_at(2);
        let date = read_date(&format!("{year}-{month}-{day}"))?;
        return beijing(date.and_hms_opt(0, 0, 0)?);
    }
    let text = text.replace(['年', '月'], "-");
    beijing(read_date(text.strip_suffix('日').unwrap_or(&text))?.and_hms_opt(0, 0, 0)?)
}

fn read_date(text: &str) -> Option<NaiveDate> {
    let separator = text.chars().find(|c| DATE_SEPARATORS.contains(c))?;
    let mut parts = text.split(separator);
    let year = number(parts.next()?, 4..=4)?;
    let month = number(parts.next()?, 1..=2)?;
    let day = number(parts.next()?, 1..=2)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// Hours and minutes, with seconds or without: `7:05`, `14:30:00`.
fn read_time(text: &str) -> Option<chrono::TimeDelta> {
    let mut parts = text.split(':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = number(parts.next()?, 2..=2)?;
    let second = parts.next().map_or(Some(0), |second| number(second, 2..=2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(chrono::TimeDelta::seconds(
        (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second),
    ))
}

fn number(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    if !length.contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Digits, letters and signs in the width that programs read: a Chinese keyboard also types them two columns wide.
pub(crate) fn halfwidth(text: &str) -> String {
    const IDEOGRAPHIC_SPACE: char = '\u{3000}';
    const WIDE_OFFSET: u32 = 0xfee0;
    text.chars()
        .map(|c| match c {
            IDEOGRAPHIC_SPACE => ' ',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - WIDE_OFFSET).unwrap_or(c),
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_clerks_write() {
        for text in [
            "2016-05-01 14:00",
            "2016-5-1 14:00:00",
            "2016/5/1 14:00",
            "2016.05.01  14:00",
            "2016年5月1日 14:00",
            "2016年5月1日14时00分",
            "2016年05月01日14时00分00秒",
            "2016年5月1日14点00分",
            "２０１６－０５－０１　１４：００",
            "2016-05-01T14:00",
            "2016-05-01T14:00:00",
            "2016-05-01T14:00:00+08:00",
            "2016-05-01T06:00:00Z",
        ] {
            assert_eq!(parse(text), Some(Instant(1_462_082_400_000)), "{text}");
        }
    }

    #[test]
    fn rejects_what_would_have_to_be_guessed() {
        for text in [
            "",
            "2016-05-01",
            "2016-13-01 14:00",
            "2016-02-30 14:00",
            "5/1/2016 14:00",
            "16-05-01 14:00",
            "2016-05/01 14:00",
            "2016-05-01 24:00",
            "2016-05-01 14:60",
            "2016-05-01 1400",
            "2016-05-01 14",
            "2016-05-01 2:00 PM",
            "2016年5月1日下午2:00",
            "42491.5833",
            "2016-05-01 14:00:00:00",
            "2016-05-01-02 14:00",
            "2016-05-01 +4:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_a_date_alone_as_its_midnight() {
        for text in
            ["2016-05-01", "2016/5/1", "2016.5.1", "2016年5月1日", "20160501", "２０１６０５０１"]
        {
            assert_eq!(parse_day(text), Some(Instant(1_462_032_000_000)), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_date_alone() {
        for text in [
            "",
            "5月1日",
            "201605",
            "20161301",
            "2016-02-30",
            "160501",
            "2016-05-01 14:00",
            "1462082400",
        ] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[0-9/: T年月日时分.Z+-]{0,24}") {
            let _ = parse(&text);
            let _ = parse_day(&text);
        }
    }
}
