//! The texts of the board for paper and files.

texts! {
    notice: "公示榜（张贴）", "Board for the wall";
    notice_title: "{0} {1} 灌溉用水水费公示榜", "{0}, {1}: water used and charged";
    for_paper: "张贴、下载", "Print and download";
    for_paper_words: "每户一行，供张贴公示，也可以取走表格自己核算。", "A line for each household, for the wall, or as a table to reckon with.";
    print_page: "张贴版", "For printing";
    csv: "表格 CSV", "Table, CSV";
    xlsx: "表格 XLSX（Excel）", "Table, XLSX (Excel)";
    paper: "纸张", "Paper";
    a4: "A4 横向", "A4 landscape";
    a4_portrait: "A4 纵向", "A4 portrait";
    a3: "A3 横向", "A3 landscape";
    print_how: "选好纸张，用浏览器的“打印”打出来，缩放 100%。每张纸都有表头和短码。", "Choose the paper and print with your browser at 100 %. Each sheet has the table's head and the short code.";

    no: "序号", "No.";
    holder: "户主", "Holder";
    household: "户号", "Household";
    group: "社", "Group";
    area: "面积(亩)", "Area (mu)";
    crops: "作物", "Crops";
    round: "轮次", "Round";
    outlet: "斗口", "Outlet";
    start_end: "起止时间", "From, to";
    start: "起", "From";
    end: "止", "To";
    readings: "起止读数(方)", "Readings (m³)";
    reading_start: "起读数(方)", "First reading (m³)";
    reading_end: "止读数(方)", "Last reading (m³)";
    volume: "斗口水量(方)", "Outlet volume (m³)";
    method: "分摊方式", "Shared by";
    share: "户水量(方)", "Share (m³)";
    quota: "定额(方)", "Quota (m³)";
    over_quota: "超定额量(方)", "Over quota (m³)";
    basic: "基本水费", "Basic charge";
    metered: "计量水费", "Metered charge";
    over: "加价", "Above quota";
    fees: "其他费", "Fees";
    given: "补贴", "Subsidy";
    due: "应缴(元)", "Due (yuan)";
    posting: "公示号", "Posting";
    remark: "说明", "Remark";

    total: "合计", "Total";
    unbilled: "未结算", "unbilled";
    estimated: "估算", "estimate";
    corrects: "更正{0}号", "corrects {0}";
    adjusted: "更正", "adjusted";
    of_year: "年度水费", "of the year";
    change_of: "更正：{0}号的水", "adjusts water of {0}";
    none: "这个村这一轮还没有上榜的灌水。", "No watering of this village and round is on the board yet.";
    volumes_equal: "斗口水量合计 {0} 方，户水量合计 {1} 方。每一次灌水，各户水量加起来等于斗口水量。", "Outlet volumes come to {0} m³ and shares to {1} m³. The shares of each watering add up to its volume.";
    volumes_differ: "斗口水量合计 {0} 方，户水量合计 {1} 方，两者对不上。请告诉水管所。", "Outlet volumes come to {0} m³ and shares to {1} m³: they differ. Tell the station.";
    money_equal: "应缴合计 {0} 元，等于结算单的总数。", "What is due comes to {0} yuan, as the settlements state.";
    money_differs: "应缴合计 {0} 元，结算单的总数是 {1} 元，两者对不上。请告诉水管所。", "What is due comes to {0} yuan and the settlements state {1} yuan: they differ. Tell the station.";
    unsettled: "这一轮还没有结算，金额等结算后再填。", "This round is not settled yet: the money follows.";
    rules: "定额是全年的；超定额量按全年用水先后累计。基本水费等全年的费用写在该户第一行。加价是超定额水的水费；补贴含节水奖励，是负数。标“更正”的，是以前结算过、现在补收或退回的差额。", "The quota is the year's, and use counts against it in the order of the year. What is owed for the year stands in the household's first line. Above quota is the price of water over quota; subsidies, rewards included, are negative. Where it says adjusted, the difference to what was billed before is charged or given back.";
    postings: "依据的公示", "What it rests on";
    what: "内容", "What";
    settlement: "结算单", "Settlement";
    posted: "公示时间", "Posted";
    station: "水管所签字", "Signed for the station";
    village: "村社签字", "Signed for the village";
    none_signed: "无", "none";
    phone: "监督电话", "Supervision phone";
    posted_on: "张贴日期", "Put up on";
    taken_down: "揭下日期", "Taken down on";
    qr_label: "扫码看这一榜、每次灌水和签字：{0}", "Scan for this board, its waterings and signatures: {0}";
    code: "短码 {0}", "Code {0}";
    code_none: "短码 无", "No code";
    code_words: "短码是公开记录前 {0} 条的根的前 8 位。谁用 mingqu audit 核对同样长的记录，得到的根都以它开头。", "The short code is the first 8 digits of the public log's root over its first {0} entries. Whoever checks the log at that length with mingqu audit finds a root that begins so.";
    lines_shown: "第 {0} 至 {1} 行，共 {2} 行", "Lines {0} to {1} of {2}";
    continued: "合计在最后一页。", "The total stands on the last page.";
    too_long: "这一榜太长", "This board is too long";
    too_long_words: "一次最多给出 {0} 行。", "One answer has at most {0} lines.";
    too_long_next: "请从公示记录里取每次灌水和结算单的附件。", "Take the waterings and the settlements' attachments from the public log.";
}

#[cfg(test)]
mod tests {
    use super::PAIRS;
    use crate::text::tests::{check, check_use};

    #[test]
    fn both_languages_say_the_same_things() {
        check(PAIRS);
    }

    #[test]
    fn every_text_is_used_by_a_template_or_by_code() {
        let sources = [
            include_str!("../page/notice/mod.rs"),
            include_str!("../page/notice/table.rs"),
            include_str!("../../templates/board.html"),
            include_str!("../../templates/notice.html"),
        ];
        check_use(PAIRS, "", &sources);
    }
}
