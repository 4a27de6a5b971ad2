//! What every meter said under every sequence number, over all evidence of a log: eight bytes a report.

use std::collections::BTreeMap;

use disclosure::merkle::Hash;
use domain::MeterCode;

/// The first bytes of a digest that begins with the log's root. The root depends on all reports, so nobody can look
/// for two reports with one tag before they stand in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u64);

/// Makes tags for one log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagger(pub(crate) Hash);

impl Tagger {
    pub(crate) fn tag(self, bytes: &[u8]) -> Tag {
        let Hash(digest) = Hash::of(&[self.0.as_bytes(), bytes].concat());
        Tag(digest.iter().take(8).fold(0, |tag, byte| (tag << 8) | u64::from(*byte)))
    }
}

/// The items of one verified piece of evidence.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) meter: MeterCode,
    /// The number of the first.
    pub(crate) first: u64,
    /// What the first says of the report before it; none of entries by hand, which form no chain.
    pub(crate) previous: Option<Tag>,
    pub(crate) tags: Vec<Tag>,
}

/// What is known of all meters.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    meters: BTreeMap<MeterCode, BTreeMap<u64, Span>>,
    by_hand: BTreeMap<MeterCode, BTreeMap<u64, Tag>>,
    reports: u64,
    entries_by_hand: u64,
}

/// Reports without a gap, under the number of the first.
#[derive(Debug)]
struct Span {
    previous: Tag,
    tags: Vec<Tag>,
}

impl Span {
    /// The tag of report `seq`, of a span that begins with report `first`.
    fn tag(&self, first: u64, seq: u64) -> Option<Tag> {
        self.tags.get(usize::try_from(seq.checked_sub(first)?).ok()?).copied()
    }

    /// The number after its last report.
    fn end(&self, first: u64) -> u64 {
        first.saturating_add(u64::try_from(self.tags.len()).unwrap_or(u64::MAX))
    }
}

impl Chains {
    /// Different reports so far.
    pub(crate) fn reports(&self) -> u64 {
        self.reports
    }

    /// Different entries by hand so far.
    pub(crate) fn entries_by_hand(&self) -> u64 {
        self.entries_by_hand
    }

    /// Enters one piece; says what in other evidence it contradicts, where it does.
    pub(crate) fn enter(&mut self, links: Links) -> Result<(), String> {
        match links.previous {
            Some(previous) => self.enter_reports(links.meter, links.first, previous, links.tags),
            None => self.enter_by_hand(links.meter, links.first, links.tags),
        }
    }

    fn enter_reports(
        &mut self,
        meter: MeterCode,
        first: u64,
        previous: Tag,
        tags: Vec<Tag>,
    ) -> Result<(), String> {
        let spans = self.meters.entry(meter).or_default();
        let new = Span { previous, tags };
        let end = new.end(first);
        if let Some((&from, span)) = spans.range(..first).next_back()
            && let Some(before) = first.checked_sub(1).and_then(|seq| span.tag(from, seq))
            && before != previous
        {
            return Err(format!(
                "report {first} does not follow report {} of other evidence",
                first - 1
            ));
        }
        if let Some(after) = spans.get(&end)
            && new.tags.last().is_some_and(|last| *last != after.previous)
        {
            let last = end.saturating_sub(1);
            return Err(format!("the report after {last} in other evidence does not follow it"));
        }
        // Those that the new one touches: the last to begin before it, and all that begin up to its end.
        let start =
            spans.range(..first).next_back().filter(|(from, span)| span.end(**from) >= first);
        let start = start.map_or(first, |(from, _)| *from);
        let touched: Vec<u64> = spans.range(start..=end).map(|(from, _)| *from).collect();
        for from in &touched {
            let Some(span) = spans.get(from) else { continue };
            for seq in first.max(*from)..end.min(span.end(*from)) {
                if span.tag(*from, seq) != new.tag(first, seq) {
                    return Err(format!("other evidence has another report with the number {seq}"));
                }
            }
        }
        let known: usize =
            touched.iter().filter_map(|from| spans.get(from)).map(|span| span.tags.len()).sum();
        let whole = join(spans, &touched, first, new);
        let added = spans.get(&whole).map_or(0, |span| span.tags.len()).saturating_sub(known);
        self.reports += u64::try_from(added).unwrap_or(u64::MAX);
        Ok(())
    }

    fn enter_by_hand(
        &mut self,
        meter: MeterCode,
        first: u64,
        tags: Vec<Tag>,
    ) -> Result<(), String> {
        let known = self.by_hand.entry(meter).or_default();
        for (number, tag) in (first..).zip(tags) {
            match known.insert(number, tag) {
                None => self.entries_by_hand += 1,
                Some(held) if held == tag => {}
                Some(_) => {
                    return Err(format!(
                        "other evidence has another entry with the number {number}"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Makes one span of the new one and those that it touches; returns where it begins.
fn join(spans: &mut BTreeMap<u64, Span>, touched: &[u64], first: u64, new: Span) -> u64 {
    let (mut from, mut whole) = (first, new);
    for other in touched {
        let Some(mut span) = spans.remove(other) else { continue };
        // The earlier of the two takes in what the later has beyond it.
        if *other <= from {
            core::mem::swap(&mut whole, &mut span);
            let beyond = whole.end(*other).saturating_sub(from);
            let beyond = usize::try_from(beyond).unwrap_or(usize::MAX);
            whole.tags.extend_from_slice(span.tags.get(beyond..).unwrap_or_default());
            from = *other;
        } else {
            let beyond = whole.end(from).saturating_sub(*other);
            let beyond = usize::try_from(beyond).unwrap_or(usize::MAX);
            whole.tags.extend_from_slice(span.tags.get(beyond..).unwrap_or_default());
        }
    }
    spans.insert(from, whole);
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(first: u64, previous: u64, tags: &[u64]) -> Links {
        let meter = MeterCode::new("m1").unwrap();
        let tags = tags.iter().map(|tag| Tag(*tag)).collect();
        Links { meter, first, previous: Some(Tag(previous)), tags }
    }

    /// The spans of a meter: where each begins and how long it is.
    fn spans(chains: &Chains) -> Vec<(u64, usize)> {
        let of_meter = chains.meters.values().next().unwrap();
        of_meter.iter().map(|(from, span)| (*from, span.tags.len())).collect()
    }

    #[test]
    fn pieces_in_any_order_make_one_span() {
        // Report n has the tag 10 n.
        let pieces: [(u64, &[u64]); 4] =
            [(1, &[10, 20, 30]), (3, &[30, 40]), (5, &[50, 60]), (6, &[60, 70, 80])];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 1, 2], [2, 0, 3, 1]] {
            let mut chains = Chains::default();
            for piece in order {
                let (first, tags) = pieces[piece];
                chains.enter(links(first, (first - 1) * 10, tags)).unwrap();
            }
            assert_eq!(spans(&chains), [(1, 8)], "{order:?}");
            assert_eq!(chains.reports(), 8);
            // Again, whole and in part.
            chains.enter(links(2, 10, &[20, 30, 40, 50])).unwrap();
            chains.enter(links(1, 0, &[10, 20, 30, 40, 50, 60, 70, 80])).unwrap();
            assert_eq!((spans(&chains), chains.reports()), (vec![(1, 8)], 8));
        }
    }

    #[test]
    fn a_piece_over_several_spans_joins_them() {
        let mut chains = Chains::default();
        chains.enter(links(2, 10, &[20])).unwrap();
        chains.enter(links(5, 40, &[50])).unwrap();
        chains.enter(links(9, 80, &[90])).unwrap();
        assert_eq!(spans(&chains), [(2, 1), (5, 1), (9, 1)]);
        chains.enter(links(1, 0, &[10, 20, 30, 40, 50, 60])).unwrap();
        assert_eq!((spans(&chains), chains.reports()), (vec![(1, 6), (9, 1)], 7));
    }

    #[test]
    fn rejects_another_report_under_a_number() {
        let mut chains = Chains::default();
        chains.enter(links(1, 0, &[10, 20, 30])).unwrap();
        for (first, previous, tags) in
            [(2, 10, &[21][..]), (1, 0, &[10, 20, 31, 40]), (3, 20, &[31]), (0, 7, &[0, 11])]
        {
            let says = chains.enter(links(first, previous, tags)).unwrap_err();
            assert!(says.contains("another report with the number"), "{says}");
        }
    }

    #[test]
    fn rejects_what_does_not_follow_the_report_before_or_after() {
        let mut chains = Chains::default();
        chains.enter(links(4, 30, &[40, 50])).unwrap();
        let says = chains.enter(links(6, 51, &[60])).unwrap_err();
        assert!(says.contains("report 6 does not follow report 5"), "{says}");
        let says = chains.enter(links(3, 20, &[31])).unwrap_err();
        assert!(says.contains("after 3 in other evidence does not follow"), "{says}");
    }

    #[test]
    fn entries_by_hand_form_no_chain() {
        let mut chains = Chains::default();
        let by_hand = |first, tag| Links { previous: None, ..links(first, 0, &[tag]) };
        chains.enter(by_hand(7, 1)).unwrap();
        chains.enter(by_hand(7, 1)).unwrap();
        chains.enter(by_hand(3, 2)).unwrap();
        assert_eq!((chains.entries_by_hand(), chains.reports()), (2, 0));
        assert!(chains.enter(by_hand(7, 2)).unwrap_err().contains("another entry"));
    }
}
