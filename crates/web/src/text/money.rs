//! The texts of payments, receipts and what is owed.

texts! {
    // On a household's page
    payments: "缴费", "Payments";
    year_words: "{0} 年水费 {1}，已缴 {2}，还欠 {3}。", "Charges for {0}: {1}; paid {2}; still owed {3}.";
    all_words: "各年合计还欠 {0}。", "Still owed over all years: {0}.";
    credit_words: "多缴 {0}，留抵以后的水费。", "Paid beyond all bills: {0}, kept for the next.";
    oldest_first: "缴费先抵最早一年的欠费。", "A payment goes to the oldest year's debt first.";
    payments_none: "还没有缴费记录。缴费后请向水管所要收据。", "No payment is recorded yet. Ask the station for a receipt when you pay.";
    payments_more: "只列出最近的缴费。", "Only the latest payments are listed.";
    receipt_no: "收据编号", "Receipt no.";
    paid_on: "缴费日期", "Paid on";
    way: "方式", "Way";
    way_cash: "现金", "Cash";
    way_bank: "银行", "Bank";
    amount_yuan: "金额（元）", "Amount (yuan)";
    recorded_by: "登记人", "Recorded by";
    state: "状态", "State";
    counts: "有效", "Counts";
    reversed: "已冲正", "Reversed";
    reversal: "冲正", "Reversal";

    // The reminders list
    owed_link: "催缴名单", "What is owed";
    owed_title: "{0}催缴名单", "{0}: what is owed";
    owed_words: "{0} 户共欠 {1}。只列户号，不列姓名。", "{0 household owes|households owe} {1} in all. Numbers only, no names.";
    owed_none: "没有欠费的农户。", "No household owes anything.";
    owed_of: "农户", "Household";
    billed_yuan: "水费（元）", "Billed (yuan)";
    paid_yuan: "已缴（元）", "Paid (yuan)";
    owed_yuan: "欠费（元）", "Owed (yuan)";
    owed_since: "何时起欠", "Since";
    by_number: "按户号排列", "By number";
    by_balance: "按欠费排列", "By debt";
    years: "历年收费", "Year by year";
    year: "年份", "Year";
    received_yuan: "当年收到（元）", "Received that year (yuan)";
    years_words: "“水费”是该年度的水费；“当年收到”是这一年里收到的钱，可能缴的是往年的水费。", "Billed is for the year; received is the money that came in during the year, which may be for earlier years.";

    // A receipt
    receipt_title: "收据 {0} 号", "Receipt {0}";
    receipt_head: "水费收据", "Water charge receipt";
    in_figures: "金额", "Amount";
    in_capitals: "人民币大写", "In Chinese capitals";
    recorded_at: "登记时间", "Recorded";
    not_reversed: "有效，未冲正", "Counts; not reversed";
    reversed_words: "已冲正，不再计算。原因：{0}（{1}，{2}）", "Reversed, does not count. Reason: {0} ({1}, {2})";
    stamp: "水管所盖章", "Stamp of the station";
    print_hint: "用浏览器的打印功能打印本页。", "Print this page with the browser.";
}

#[cfg(test)]
mod tests {
    use super::PAIRS;
    use crate::text::tests::{check, check_use};

    #[test]
    fn both_languages_are_whole_and_themselves() {
        check(PAIRS);
    }

    #[test]
    fn every_text_is_used() {
        let sources = [
            include_str!("../show/money.rs"),
            include_str!("../../templates/village.html"),
            include_str!("../../templates/owed.html"),
            include_str!("../../templates/payment.html"),
            include_str!("../../templates/part/payments.html"),
        ];
        check_use(PAIRS, "pay", &sources);
    }
}
