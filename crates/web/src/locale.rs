//! In which language a page is shown.

/// A language that the pages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    /// Simplified Chinese, the language of the villages.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Reads the code in `?lang=`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        match code {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The code in `?lang=`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The tag for the `lang` attribute (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Its name in itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Zh => "中文",
            Self::En => "English",
        }
    }

    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }

    /// What `?lang=` asks for, where it stands in a query.
    pub(crate) fn in_query(query: Option<&str>) -> Option<Self> {
        query?.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Self::from_code)
    }

    /// The best of what a browser accepts (RFC 9110 §12.5.4); Chinese where it says nothing.
    pub(crate) fn accepted(accept_language: Option<&str>) -> Self {
        let mut best = (Self::Zh, 0);
        for range in accept_language.unwrap_or_default().split(',').take(MAX_RANGES) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let lang = match tag.split('-').next() {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, weight);
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }
}

/// More language ranges than this no browser sends.
const MAX_RANGES: usize = 32;

/// A weight in thousandths; what is none counts as nothing.
fn weight(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{part:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_villages_language_comes_first() {
        for silent in [None, Some(""), Some("fr,de;q=0.5"), Some("en;q=0")] {
            assert_eq!(Lang::accepted(silent), Lang::Zh, "{silent:?}");
        }
    }

    #[test]
    fn the_browsers_order_counts() {
        assert_eq!(Lang::accepted(Some("en-GB,en;q=0.9,zh;q=0.8")), Lang::En);
        assert_eq!(Lang::accepted(Some("fr, zh-Hans-CN;q=0.7, en;q=0.3")), Lang::Zh);
        assert_eq!(Lang::accepted(Some("zh;q=0.25, en;q=0.5")), Lang::En);
    }

    #[test]
    fn rejects_weights_that_are_none() {
        for text in ["2", "-1", "0.1234", "0.x", ""] {
            assert_eq!(weight(text), 0, "{text}");
        }
    }

    #[test]
    fn the_query_names_a_language() {
        assert_eq!(Lang::in_query(Some("q=1&lang=en")), Some(Lang::En));
        assert_eq!(Lang::in_query(Some("lang=xx")), None);
        assert_eq!(Lang::in_query(None), None);
    }
}
