//! How values look on a page: volumes, money, times and the words for codes.
//!
//! A template hands over references and code hands over values; `Borrow` takes both.

mod bill;
mod foreign;
mod land;
mod meter;
mod money;
mod watch;

use std::borrow::Borrow;

use service::board::{
    Area, AttachmentRef, Fen, Figure, Fingerprint, Hit, HouseholdView, KeyKept, Kind, Litres,
    PostingLine, RevocationReason, Role, Rule, ShareMethod, Timestamp,
};
use service::{Obstacle, QuarantineReason};

use crate::here::Here;
use crate::locale::Lang;

const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3600;
const SECONDS_PER_DAY: i64 = 86_400;
const MEDIA_TYPE_EVIDENCE: &str = "application/cbor-seq";
const MEDIA_TYPE_ROSTER: &str = "application/vnd.mingqu.roster-entries.v1+json";
const MEDIA_TYPE_BILLS: &str = "application/vnd.mingqu.bills.v1+jsonl";

/// Figures.
#[expect(clippy::unused_self, reason = "a template calls all of these on the page's `here`")]
impl Here {
    /// A phrase with its places filled in: `{0}` is the first part, and `{0 bill|bills}` the first
    /// part with the word for one or for more.
    pub(crate) fn say(&self, phrase: &str, parts: impl AsRef<[String]>) -> String {
        let parts = parts.as_ref();
        let mut text = String::with_capacity(phrase.len());
        let mut rest = phrase;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((place, behind)) = after.split_once('}') else { break };
            text.push_str(&filled(place, parts));
            rest = behind;
        }
        text.push_str(rest);
        text
    }

    /// A count with its thousands apart.
    pub(crate) fn count(&self, count: impl Borrow<u64>) -> String {
        let count = *count.borrow();
        grouped(&count.to_string())
    }

    /// Cubic metres to the litre: 4,720.600.
    pub(crate) fn exact(&self, litres: impl Borrow<Litres>) -> String {
        let litres = *litres.borrow();
        grouped(&litres.cubic_metres())
    }

    /// Cubic metres to one decimal, rounded half up: 4,720.6.
    pub(crate) fn cubic_metres(&self, litres: impl Borrow<Litres>) -> String {
        let litres = *litres.borrow();
        let tenths = litres.get().saturating_add(50).div_euclid(100);
        let text = Litres(tenths.saturating_mul(100)).cubic_metres();
        grouped(text.get(..text.len().saturating_sub(2)).unwrap_or(&text))
    }

    /// Cubic metres to one decimal with their unit.
    pub(crate) fn litres(&self, litres: impl Borrow<Litres>) -> String {
        let litres = *litres.borrow();
        format!("{} {}", self.cubic_metres(litres), self.t.m3)
    }

    /// Yuan without their unit: 1,186.76.
    pub(crate) fn yuan(&self, fen: impl Borrow<Fen>) -> String {
        let fen = *fen.borrow();
        grouped(&fen.yuan())
    }

    /// Yuan with their unit.
    pub(crate) fn money(&self, fen: impl Borrow<Fen>) -> String {
        let fen = *fen.borrow();
        let unit = match self.lang {
            Lang::Zh => "元",
            Lang::En => "yuan",
        };
        format!("{} {unit}", self.yuan(fen))
    }

    /// Mu with two decimals, without their unit.
    pub(crate) fn mu(&self, area: impl Borrow<Area>) -> String {
        let area = *area.borrow();
        grouped(&area.mu())
    }
}

/// Times, all of them in Beijing.
impl Here {
    /// 2026年11月3日 14:30
    pub(crate) fn time(&self, at: impl Borrow<Timestamp>) -> String {
        let at = *at.borrow();
        format!("{} {}", self.date(at), self.clock(at))
    }

    /// 2026年11月3日
    pub(crate) fn date(&self, at: impl Borrow<Timestamp>) -> String {
        let at = *at.borrow();
        let format = match self.lang {
            Lang::Zh => "%Y年%-m月%-d日",
            Lang::En => "%-d %b %Y",
        };
        at.beijing().format(format).to_string()
    }

    /// 11月3日
    pub(crate) fn day(&self, at: impl Borrow<Timestamp>) -> String {
        let at = *at.borrow();
        let format = match self.lang {
            Lang::Zh => "%-m月%-d日",
            Lang::En => "%-d %b",
        };
        at.beijing().format(format).to_string()
    }

    /// 14:30
    #[expect(clippy::unused_self, reason = "a template calls it on the page's `here`")]
    pub(crate) fn clock(&self, at: impl Borrow<Timestamp>) -> String {
        let at = *at.borrow();
        at.beijing().format("%H:%M").to_string()
    }

    /// From and to, the date once where both lie on one day.
    pub(crate) fn span(
        &self,
        start: impl Borrow<Timestamp>,
        end: impl Borrow<Timestamp>,
    ) -> String {
        let start = *start.borrow();
        let end = *end.borrow();
        if self.date(start) == self.date(end) {
            return format!("{} – {}", self.time(start), self.clock(end));
        }
        format!("{} – {} {}", self.time(start), self.day(end), self.clock(end))
    }

    /// How long it took.
    pub(crate) fn duration(
        &self,
        start: impl Borrow<Timestamp>,
        end: impl Borrow<Timestamp>,
    ) -> String {
        let start = *start.borrow();
        let end = *end.borrow();
        self.millis(end.millis() - start.millis())
    }

    /// So many milliseconds in days, hours and minutes; the largest two that are not zero.
    pub(crate) fn millis(&self, millis: impl Borrow<i64>) -> String {
        let millis = *millis.borrow();
        let seconds = millis.max(0) / 1000;
        let days = seconds / SECONDS_PER_DAY;
        let hours = seconds % SECONDS_PER_DAY / SECONDS_PER_HOUR;
        let minutes = seconds % SECONDS_PER_HOUR / SECONDS_PER_MINUTE;
        let units = match self.lang {
            Lang::Zh => [" 天", " 小时", " 分钟"],
            Lang::En => [" d", " h", " min"],
        };
        let parts = [(days, units[0]), (hours, units[1]), (minutes, units[2])];
        let shown: Vec<String> = parts
            .iter()
            .skip_while(|(value, _)| *value == 0)
            .take(2)
            .filter(|(value, _)| *value > 0)
            .map(|(value, unit)| format!("{value}{unit}"))
            .collect();
        if shown.is_empty() { format!("0{}", units[2]) } else { shown.join(" ") }
    }

    /// So many seconds.
    pub(crate) fn seconds(&self, seconds: impl Borrow<u32>) -> String {
        let seconds = *seconds.borrow();
        self.millis(i64::from(seconds) * 1000)
    }
}

/// Words for codes.
impl Here {
    pub(crate) fn kind(&self, kind: impl Borrow<Kind>) -> &'static str {
        let kind = *kind.borrow();
        let t = self.t;
        match kind {
            Kind::District => t.kind_district,
            Kind::Key => t.kind_key,
            Kind::Registry => t.kind_registry,
            Kind::Roster => t.kind_roster,
            Kind::Tariff => t.kind_tariff,
            Kind::Watering => t.kind_watering,
            Kind::Correction => t.kind_correction,
            Kind::BillRun => t.kind_bill_run,
            Kind::Overdue => t.kind_overdue,
            Kind::Balance => t.kind_balance,
        }
    }

    /// Words for a reason of the quarantine; the code itself where an older server wrote it.
    pub(crate) fn reason<'a>(&self, code: &'a str) -> &'a str {
        let t = self.t;
        match QuarantineReason::from_code(code) {
            Some(QuarantineReason::Oversize) => t.reason_oversize,
            Some(QuarantineReason::Malformed) => t.reason_malformed,
            Some(QuarantineReason::UnknownMeter) => t.reason_unknown_meter,
            Some(QuarantineReason::OtherMetersTopic) => t.reason_other_meters_topic,
            Some(QuarantineReason::OtherDistrict) => t.reason_other_district,
            Some(QuarantineReason::BadSignature) => t.reason_bad_signature,
            Some(QuarantineReason::TimeAhead) => t.reason_time_ahead,
            Some(QuarantineReason::OtherKind) => t.reason_other_kind,
            Some(QuarantineReason::SequenceReused) => t.reason_sequence_reused,
            Some(QuarantineReason::SequenceImpossible) => t.reason_sequence_impossible,
            Some(QuarantineReason::UnknownTopic) => t.reason_unknown_topic,
            Some(QuarantineReason::BadStatus) => t.reason_bad_status,
            Some(QuarantineReason::BadPacket) => t.reason_bad_packet,
            Some(QuarantineReason::Foreign(reason)) => self.foreign_reason(reason),
            None => code,
        }
    }

    pub(crate) fn obstacle(&self, obstacle: impl Borrow<Obstacle>) -> &'static str {
        let obstacle = *obstacle.borrow();
        match obstacle {
            Obstacle::ReportsAwaited => self.t.obstacle_reports,
            Obstacle::RegisterFell => self.t.obstacle_fell,
            Obstacle::NeedsAttention => self.t.obstacle_other,
        }
    }

    pub(crate) fn role(&self, role: impl Borrow<Role>) -> &'static str {
        let role = *role.borrow();
        match role {
            Role::Root => self.t.role_root,
            Role::Station => self.t.role_station,
            Role::Cadre => self.t.role_cadre,
            Role::Supervisor => self.t.role_supervisor,
            Role::Household => self.t.role_household,
            Role::Log => self.t.role_log,
        }
    }

    /// What a rule of the signing policy is for.
    pub(crate) fn rule(&self, rule: &Rule) -> String {
        let kind = self.kind(rule.kind);
        match rule.of {
            Some(of) => self.say(self.t.rule_of_role, [kind.to_owned(), self.role(of).to_owned()]),
            None => kind.to_owned(),
        }
    }

    /// The first 16 digits of a fingerprint in fours: enough for people to compare.
    #[expect(clippy::unused_self, reason = "a template calls it on the page's `here`")]
    pub(crate) fn in_fours(&self, fingerprint: impl Borrow<Fingerprint>) -> String {
        let digits = fingerprint.borrow().to_hex();
        let fours = [0, 4, 8, 12].map(|from| digits.get(from..from + 4).unwrap_or_default());
        fours.join(" ")
    }

    pub(crate) fn kept(&self, kept: impl Borrow<KeyKept>) -> &'static str {
        match *kept.borrow() {
            KeyKept::Browser => self.t.kept_browser,
            KeyKept::Software => self.t.kept_software,
            KeyKept::File => self.t.kept_file,
        }
    }

    pub(crate) fn method(&self, method: impl Borrow<ShareMethod>) -> &'static str {
        match *method.borrow() {
            ShareMethod::Household => self.t.method_household,
            ShareMethod::Area => self.t.method_area,
            ShareMethod::Minutes => self.t.method_minutes,
            ShareMethod::MinutesFlow => self.t.method_minutes_flow,
            ShareMethod::Fixed => self.t.method_fixed,
        }
    }

    /// How a watering's volume comes to its households, as a sentence.
    pub(crate) fn shared(&self, method: impl Borrow<ShareMethod>) -> String {
        match *method.borrow() {
            ShareMethod::Household => self.t.shares_words_household.to_owned(),
            method => self.say(self.t.shares_words, [self.method(method).to_owned()]),
        }
    }

    /// What is noted for a household.
    pub(crate) fn figure(&self, figure: impl Borrow<Figure>) -> &'static str {
        match *figure.borrow() {
            Figure::Minutes => self.t.minutes,
            Figure::Flow => self.t.flow_l_per_s,
            Figure::Weight => self.t.weight,
        }
    }

    /// Litres per second with all three decimals: 20.000.
    pub(crate) fn flow(&self, ml_per_s: impl Borrow<u32>) -> String {
        self.exact(Litres(i64::from(*ml_per_s.borrow())))
    }

    pub(crate) fn revocation(&self, reason: impl Borrow<RevocationReason>) -> &'static str {
        let reason = *reason.borrow();
        match reason {
            RevocationReason::Lost => self.t.revoked_lost,
            RevocationReason::Stolen => self.t.revoked_stolen,
            RevocationReason::LeftOffice => self.t.revoked_left_office,
        }
    }

    /// What a posting in a list is about.
    pub(crate) fn about(&self, line: &PostingLine) -> String {
        let places = [
            line.village.as_ref().map(|village| village.name.as_str()),
            line.outlet.as_ref().map(|outlet| outlet.name.as_str()),
        ];
        let known: Vec<&str> = places.into_iter().flatten().collect();
        if known.is_empty() { self.t.about_district.to_owned() } else { known.join(" · ") }
    }

    /// The words of a download, with its size.
    pub(crate) fn attachment(&self, named: &AttachmentRef) -> String {
        let words = match named.media_type.as_str() {
            MEDIA_TYPE_EVIDENCE => self.t.attachment_evidence,
            MEDIA_TYPE_ROSTER => self.t.attachment_roster,
            MEDIA_TYPE_BILLS => self.t.attachment_bills,
            _ => self.t.attachment_other,
        };
        let size = match named.bytes {
            bytes @ ..1000 => format!("{bytes} B"),
            bytes => format!("{} kB", self.count(bytes.div_ceil(1000))),
        };
        self.say(words, [size])
    }

    /// The household's use beside the village's median, in words.
    pub(crate) fn compared(&self, view: &HouseholdView) -> String {
        let Some(median) = view.median else { return self.t.compared_none.to_owned() };
        match view.used.cmp(&median) {
            std::cmp::Ordering::Equal => self.t.compared_same.to_owned(),
            std::cmp::Ordering::Greater => {
                self.say(self.t.compared_more, [self.litres(view.used - median)])
            }
            std::cmp::Ordering::Less => {
                self.say(self.t.compared_less, [self.litres(median - view.used)])
            }
        }
    }

    pub(crate) fn hit_link(&self, hit: &Hit) -> String {
        match hit {
            Hit::Household { household, .. } => self.to(format!("/households/{household}")),
            Hit::Posting(index) => self.to(format!("/postings/{index}")),
            Hit::Outlet { village, .. } | Hit::Village(village) => {
                self.to(format!("/villages/{}", village.id))
            }
            Hit::Meter(code) => self.to(format!("/meters/{code}")),
        }
    }

    pub(crate) fn hit_title(&self, hit: &Hit) -> String {
        match hit {
            Hit::Household { household, .. } => {
                self.say(self.t.household_title, [household.to_string()])
            }
            Hit::Posting(index) => self.say(self.t.posting_at, [index.to_string()]),
            Hit::Outlet { outlet, .. } => outlet.name.clone(),
            Hit::Meter(code) => code.to_string(),
            Hit::Village(village) => village.name.clone(),
        }
    }

    pub(crate) fn hit_kind(&self, hit: &Hit) -> String {
        match hit {
            Hit::Household { village: Some(village), .. } => village.name.clone(),
            Hit::Household { village: None, .. } => self.t.land_none.to_owned(),
            Hit::Posting(_) => self.t.log_title.to_owned(),
            Hit::Outlet { outlet, village } => {
                format!("{} {} · {}", self.t.outlet, outlet.id, village.name)
            }
            Hit::Meter(_) => self.t.meter.to_owned(),
            Hit::Village(_) => self.t.village.to_owned(),
        }
    }
}

/// A decimal number with a comma between each three digits before the point.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, bare) = number.strip_prefix('-').map_or(("", number), |bare| ("-", bare));
    let (whole, part) = bare.split_once('.').map_or((bare, None), |(w, p)| (w, Some(p)));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(part) = part {
        text.push('.');
        text.push_str(part);
    }
    text
}

fn filled(place: &str, parts: &[String]) -> String {
    let (place, words) = place.split_once(' ').unwrap_or((place, ""));
    let part = place.parse().ok().and_then(|n: usize| parts.get(n)).map_or("", String::as_str);
    match words.split_once('|') {
        Some((one, _)) if part == "1" => format!("{part} {one}"),
        Some((_, more)) => format!("{part} {more}"),
        None => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(lang: Lang) -> Here {
        Here::sample(lang, "/", "")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn figures_look_as_on_paper() {
        let here = here(Lang::Zh);
        assert_eq!(here.exact(Litres(4_720_600)), "4,720.600");
        assert_eq!(here.litres(Litres(4_720_649)), "4,720.6 方");
        assert_eq!(here.litres(Litres(4_720_650)), "4,720.7 方");
        assert_eq!(here.litres(Litres(-50)), "0.0 方");
        assert_eq!(here.money(Fen(118_676)), "1,186.76 元");
        assert_eq!(here.money(Fen(-10_000_005)), "-100,000.05 元");
        assert_eq!(here.count(1_234_567), "1,234,567");
    }

    #[test]
    fn times_are_beijings() {
        let (zh, en) = (here(Lang::Zh), here(Lang::En));
        assert_eq!(zh.time(at("2026-11-03T06:30:00Z")), "2026年11月3日 14:30");
        assert_eq!(en.time(at("2026-11-03T06:30:00Z")), "3 Nov 2026 14:30");
        let (start, same_day) = (at("2026-05-01T00:00:00Z"), at("2026-05-01T03:00:00Z"));
        assert_eq!(zh.span(start, same_day), "2026年5月1日 08:00 – 11:00");
        let next_day = at("2026-05-01T20:00:00Z");
        assert_eq!(zh.span(start, next_day), "2026年5月1日 08:00 – 5月2日 04:00");
        assert_eq!(zh.duration(start, next_day), "20 小时");
        assert_eq!(en.millis(90_061_000), "1 d 1 h");
        assert_eq!(en.millis(59_000), "0 min");
    }

    #[test]
    fn a_phrase_is_filled_in_its_own_order() {
        let here = here(Lang::En);
        let parts = || ["a".to_owned(), "b".to_owned()];
        assert_eq!(here.say("{1} before {0}", parts()), "b before a");
        assert_eq!(here.say("plain", parts()), "plain");
        let bills = |count: &str| here.say("{0 bill|bills} in all", [count.to_owned()]);
        assert_eq!(bills("1"), "1 bill in all");
        assert_eq!(bills("0"), "0 bills in all");
        assert_eq!(bills("21"), "21 bills in all");
        assert_eq!(here.say("{9}{", parts()), "{");
        assert_eq!(here.say("{0}", ["{1}".to_owned()]), "{1}");
    }
}
