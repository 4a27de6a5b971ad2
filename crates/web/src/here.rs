//! Where a page stands: its language, its address, and links that keep the language.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, HOST};
use axum::http::request::Parts;
use service::board;

use crate::locale::Lang;
use crate::site::Site;
use crate::text::{
    BillTexts, ExplainTexts, MoneyTexts, NoticeTexts, SignTexts, Texts, VerifyTexts, WatchTexts,
};

/// The longest query that the link to the other language repeats, in bytes.
const MAX_REPEATED_QUERY_BYTES: usize = 512;

/// What every template is given.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    /// The language of the page.
    pub(crate) lang: Lang,
    /// The texts in that language.
    pub(crate) t: &'static Texts,
    /// Those of alarms, meters, turns and balances.
    pub(crate) watch: &'static WatchTexts,
    /// Those of what one would pay.
    pub(crate) explain: &'static ExplainTexts,
    /// Those of signing and enrolment.
    pub(crate) sign: &'static SignTexts,
    /// Those of checking the log and receipts.
    pub(crate) verify: &'static VerifyTexts,
    /// Those of tariffs and of the lines of a bill.
    pub(crate) bill: &'static BillTexts,
    /// Those of payments and what is owed.
    pub(crate) pay: &'static MoneyTexts,
    /// Those of the board for paper and files.
    pub(crate) notice: &'static NoticeTexts,
    /// The district's name.
    pub(crate) district: String,
    /// Whether the reader chose the language, so that links must keep it.
    kept: bool,
    path: String,
    query: String,
    /// The site's own address, for commands that a reader copies; as the browser named it.
    pub(crate) base: String,
}

impl Here {
    /// The language code that forms must carry along.
    pub(crate) fn chosen(&self) -> Option<&'static str> {
        self.kept.then(|| self.lang.code())
    }

    /// A link within the site that keeps the language.
    pub(crate) fn to(&self, path: impl AsRef<str>) -> String {
        let path = path.as_ref();
        match self.chosen() {
            Some(code) if path.contains('?') => format!("{path}&lang={code}"),
            Some(code) => format!("{path}?lang={code}"),
            None => path.to_owned(),
        }
    }

    /// This same page in the other language.
    pub(crate) fn switched(&self) -> String {
        let rest = self.query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<&str> = rest.filter(|pair| !pair.starts_with("lang=")).collect();
        let lang = format!("lang={}", self.lang.other().code());
        pairs.push(&lang);
        format!("{}?{}", self.path, pairs.join("&"))
    }

    /// Whether this page stands at `path`.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.path == path
    }
}

impl FromRequestParts<Site> for Here {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let query = parts.uri.query();
        let asked = Lang::in_query(query);
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let lang = asked.unwrap_or_else(|| Lang::accepted(accepted));
        Ok(Self {
            lang,
            t: Texts::of(lang),
            watch: WatchTexts::of(lang),
            explain: ExplainTexts::of(lang),
            sign: SignTexts::of(lang),
            verify: VerifyTexts::of(lang),
            bill: BillTexts::of(lang),
            pay: MoneyTexts::of(lang),
            notice: NoticeTexts::of(lang),
            district: board::district_name(&site.service),
            kept: asked.is_some(),
            path: parts.uri.path().to_owned(),
            query: query
                .filter(|query| query.len() <= MAX_REPEATED_QUERY_BYTES)
                .unwrap_or_default()
                .to_owned(),
            base: base_url(parts, site),
        })
    }
}

/// The address under which the browser asked; only a plain host and port is repeated.
fn base_url(parts: &Parts, site: &Site) -> String {
    let host = parts.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let host = if host.is_empty() || !host.chars().all(plain) { "HOST" } else { host };
    let scheme = if site.config.https_only { "https" } else { "http" };
    format!("{scheme}://{host}")
}

#[cfg(test)]
impl Here {
    /// A page at `path` in a language that the reader chose.
    pub(crate) fn sample(lang: Lang, path: &str, query: &str) -> Self {
        let (path, query) = (path.to_owned(), query.to_owned());
        let base = "http://localhost".into();
        let watch = WatchTexts::of(lang);
        Self {
            lang,
            t: Texts::of(lang),
            watch,
            explain: ExplainTexts::of(lang),
            sign: SignTexts::of(lang),
            verify: VerifyTexts::of(lang),
            bill: BillTexts::of(lang),
            pay: MoneyTexts::of(lang),
            notice: NoticeTexts::of(lang),
            district: "D".into(),
            kept: true,
            path,
            query,
            base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_language_that_was_chosen() {
        let here = Here::sample(Lang::En, "/log", "before=5&lang=en");
        assert_eq!(here.to("/log"), "/log?lang=en");
        assert_eq!(here.to("/log?before=1"), "/log?before=1&lang=en");
        assert_eq!(here.switched(), "/log?before=5&lang=zh");
    }

    #[test]
    fn links_stay_bare_where_none_was_chosen() {
        let here = Here { kept: false, ..Here::sample(Lang::Zh, "/", "") };
        assert_eq!(here.to("/log"), "/log");
        assert_eq!(here.chosen(), None);
        assert_eq!(here.switched(), "/?lang=en");
    }
}
