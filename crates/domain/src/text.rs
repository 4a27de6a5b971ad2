//! Words that people write and others read: reasons, notes, names.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether this is 1 to `most_chars` characters on one line, not blank, and nothing in it is invisible or turns the
/// writing direction: what a page shows is then what was written. (Unicode, general categories Cc, Cf, Cn, Co, Cs, Zl, Zp.)
pub fn is_plain(text: &str, most_chars: usize) -> bool {
    let length = text.chars().count();
    (1..=most_chars).contains(&length) && !text.trim().is_empty() && text.chars().all(is_shown)
}

/// Whether this character can be seen, or is a space within a line.
pub fn is_shown(c: char) -> bool {
    !matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_write() {
        for text in ["制种玉米", "水表走快了，差 3 方", "Müller’s well (№ 4)", "𠀀村", "a"]
        {
            assert!(is_plain(text, 20), "{text:?}");
        }
    }

    #[test]
    fn rejects_blanks_invisible_characters_and_turned_directions() {
        for text in
            ["", " ", "\u{3000}", "a\nb", "a\u{200b}b", "\u{202e}abc", "\u{2066}a", "\u{feff}a"]
        {
            assert!(!is_plain(text, 20), "{text:?}");
        }
        for text in ["\u{2028}a", "\u{e000}", "\u{0}", "\u{7f}", "\u{0378}"] {
            assert!(!is_plain(text, 20), "{text:?}");
        }
    }

    #[test]
    fn rejects_too_many_characters() {
        assert!(is_plain("村村", 2));
        assert!(!is_plain("村村村", 2));
    }
}
