//! Every text of every page, in both languages, in one place.
//!
//! A text that one language lacks does not compile. `{0}`, `{1}` … are filled in by
//! [`crate::here::Here::say`]; a test sees to it that both languages have the same ones.

#[macro_use]
mod both;
mod bill;
mod explain;
mod money;
mod notice;
mod sign;
mod verify;
mod watch;

pub(crate) use bill::Texts as BillTexts;
pub(crate) use explain::Texts as ExplainTexts;
pub(crate) use money::Texts as MoneyTexts;
pub(crate) use notice::Texts as NoticeTexts;
pub(crate) use sign::Texts as SignTexts;
pub(crate) use verify::Texts as VerifyTexts;
pub(crate) use watch::Texts as WatchTexts;

texts! {
    // The frame of every page
    skip_to_content: "跳到正文", "Skip to the content";
    brand_line: "明渠 · 灌溉用水公示榜", "Mingqu · public water board";
    nav_label: "主要页面", "Main pages";
    nav_district: "首页", "Overview";
    nav_log: "公示记录", "Public log";
    nav_meters: "水表", "Meters";
    nav_quarantine: "拒收上报", "Refused reports";
    crumbs_label: "所在位置", "Where you are";
    search_label: "按户号、公示号、斗口或水表查找", "Find a household, posting, outlet or meter";
    search_hint: "户号、公示号、斗口", "Household, posting, outlet";
    search_button: "查找", "Find";
    foot_line: "本页数字都来自公示记录：水表自己签名上报，水管所和村社干部会签，公示后谁也不能改动，只能另发更正。", "Every figure here comes from the public log: meters sign their own reports, the water station and the village cadre co-sign, and what is posted can never be changed, only corrected by a new posting.";
    foot_check: "怎样核对", "How to check it";
    foot_checkpoint: "检查点", "Checkpoint";
    foot_vkey: "记录公钥", "Log key";
    comma: "、", ", ";
    page_first: "第一页", "First page";
    page_next: "下一页", "Next page";
    page_newest: "最新", "Newest";
    page_older: "更早", "Older";
    page_past_end: "这一页没有内容了。请回到最新一页。", "There is nothing on this page. Go back to the newest one.";

    // The district
    district_what: "这里公示每一次灌水是谁、何时、用了多少方，以及水费怎样一步步算出。每条都由水管所和村社会签，任何人不用登录就能查看和核对。", "Here everyone can see who was watered, when and how much, and how each charge is worked out step by step. Every line is co-signed by the water station and the village; anyone can look and check, without an account.";
    search_own: "输入户号，查我家的水", "Enter your household number";
    year_waterings: "{0} 年灌水", "Waterings in {0}";
    volume: "水量", "Volume";
    charges_billed: "已结算水费", "Charges billed";
    log_size: "公示记录", "Entries in the log";
    log_size_note: "条，只增不改", "only ever added to";
    villages: "村", "Villages";
    villages_none: "还没有登记村。水管所把村、斗口和水表登记公示后，就会出现在这里。", "No village is registered yet. They appear here once the station has posted its registry of villages, outlets and meters.";
    households: "农户", "Households";
    waterings: "灌水", "Waterings";
    latest_postings: "最新公示", "Latest postings";
    all_postings: "查看全部公示记录", "See the whole log";
    postings_none: "还没有公示。第一条会签完成后就会出现在这里。", "Nothing is posted yet. The first statement appears here as soon as it is co-signed.";
    posting_no: "公示号", "Posting";
    posting_kind: "类别", "Kind";
    posting_about: "内容", "About";
    posted_at: "公示时间", "Posted";
    checkpoint: "检查点", "Checkpoint";
    checkpoint_what: "检查点是整本公示记录的一个总指纹，由记录的密钥签名。把它抄下来或拍下来，以后就能证明记录有没有被改过。", "The checkpoint is one fingerprint of the whole log, signed with the log's key. Write it down or photograph it: later it proves whether anything was changed.";
    checkpoint_none: "第一条公示后才有检查点。", "There is a checkpoint once the first entry is posted.";

    // A village and its rounds
    village_words: "{0} 户，{1} 亩，{2} 个社。", "{0 household|households}, {1} mu, {2 group|groups}.";
    per_roster: "按花名册公示 {0} 号", "By the roster, posting {0}";
    rounds: "轮次", "Rounds";
    rounds_none: "还没有开轮。水管所开轮后，这里会列出每一轮的水量和水费。", "No round has been opened yet. Once the station opens one, its water and charges are listed here.";
    round: "轮次", "Round";
    round_dates: "起止日期", "Dates";
    volume_m3: "水量（方）", "Volume (m³)";
    charges_yuan: "水费（元）", "Charges (yuan)";
    settlement: "结算", "Settlement";
    billed: "已结算", "Billed";
    unbilled: "未结算", "Not billed yet";
    unbilled_note: "公示期内可提出疑问", "questions are welcome until then";
    groups: "社", "Groups";
    group: "社", "Group";
    area_mu: "面积（亩）", "Area (mu)";
    outlets: "斗口、机井", "Outlets and wells";
    outlets_none: "还没有登记斗口。", "No outlet is registered yet.";
    outlet: "斗口/机井", "Outlet/well";
    canal: "渠道", "Canal";
    meter: "水表", "Meter";
    village: "村", "Village";

    // The board
    board_title: "{0} {1}公示榜", "{0}, {1}: the board";
    waiting_turns: "已放水、尚未成单", "Delivered, not on the board yet";
    waiting_words: "这些轮灌的水已经放完，但还不能算出水量。原因消除后才会成单、会签、公示；在此之前不计费。", "The water of these turns has been delivered and its volume cannot be told yet. It is drawn up, co-signed and posted once the cause is gone, and not billed before.";
    closed: "关闸时间", "Closed";
    waits_for: "在等什么", "What it waits for";
    obstacle_reports: "等水表补报", "The meter's reports are not all in";
    obstacle_fell: "水表读数倒退，须说明原因并更正", "The register fell; the station must state why";
    obstacle_other: "须查明原因", "Somebody must look into it";
    board_caption: "水量 = 止读数 − 起读数，单位方（立方米）。", "Volume = reading at the end − reading at the start, in cubic metres.";
    row_no: "序号", "No.";
    start_end: "起止时间", "From – to";
    readings_m3: "起止读数（方）", "Readings (m³)";
    outlet_volume_m3: "斗口水量（方）", "Outlet volume (m³)";
    outlet_volume: "斗口水量", "Outlet volume";
    share_method: "分摊方式", "Shared by";
    posting_at: "公示 {0} 号", "posting {0}";
    state: "状态", "State";
    corrected: "已更正", "Corrected";
    estimated: "估算", "Estimated";
    waterings_none: "这一轮在本村还没有公示的灌水。会签完成后会自动出现在这里。", "No watering of this round is posted here yet. Each appears as soon as both sides have signed it.";
    bills_many: "共 {0} 户", "{0 bill|bills}";
    run_words: "{0} 户，合计 {1}，{2} 公示。", "{0 bill|bills}, {1} in total, posted {2}.";
    run_none: "还没有结算。结算后，每户的水费怎样算出会在这里写明。", "Not settled yet. Once it is, every household's sum is written out here.";

    // A posting
    posted_words: "公示于 {0}，拟稿于 {1}（北京时间）。", "Posted {0}, drawn up {1} (Beijing time).";
    signatures: "签字", "Signatures";
    signatures_none: "没有签字。", "There are no signatures.";
    signatures_note: "“有效”表示：签名与内容的每一个字节相符，且该密钥在公示时已登记、未撤销。", "“Valid” means: the signature fits every byte of the content, and the key was enrolled and not revoked when this was posted.";
    role: "身份", "Role";
    role_root: "灌区根密钥", "District root";
    role_station: "水管所", "Water station";
    role_cadre: "村社干部", "Village cadre";
    role_supervisor: "监督员", "Supervisor";
    role_household: "农户", "Household";
    role_log: "公示记录自身", "The log itself";
    role_unknown: "未登记的密钥", "Unknown key";
    person: "签字人", "Signer";
    key_fingerprint: "密钥指纹", "Key fingerprint";
    signature: "签名", "Signature";
    signature_holds: "有效", "Valid";
    signature_fails: "无效", "Not valid";
    verify: "怎样核对", "How to check this";
    verify_words: "不必相信本网站。在任何一台电脑上运行下面两条命令：第一条下载整本记录，第二条重算全部签名、水量、分摊和水费，有一处不符就会指出。", "You need not trust this site. Run these two commands on any computer: the first copies the whole log, the second recomputes every signature, volume, share and bill and names whatever does not hold.";
    receipt: "下载公示凭证", "Download the receipt";
    envelope: "下载签名原文", "Download the signed original";
    receipt_note: "公示凭证证明这一条确实在记录里，可以自己保存，多年后不靠我们也能核对。", "The receipt proves that this entry is in the log. Keep it: it can be checked years later without us.";
    kind_district: "灌区与签字规则", "District and signing rules";
    kind_key: "签字密钥", "Signing key";
    kind_registry: "村、斗口与水表登记", "Registry";
    kind_roster: "花名册", "Roster";
    kind_tariff: "水价", "Tariff";
    kind_watering: "灌水", "Watering";
    kind_correction: "更正", "Correction";
    kind_bill_run: "水费结算", "Settlement";
    kind_overdue: "逾期未签", "Overdue";
    kind_balance: "每日水账", "Daily balance";
    kind_unknown: "未知类别", "Unknown kind";
    about_district: "全灌区", "Whole district";

    // A watering
    supersedes_words: "这是一次更正，取代公示 {0} 号。原因：{1}", "This is a correction that replaces posting {0}. Reason: {1}";
    superseded_words: "这一条已被更正，不再作数。请看", "This entry has been corrected and no longer counts. See";
    plainly_measured: "全程实测", "measured throughout";
    duration: "历时", "Duration";
    estimated_words: "这次水量含有估算，原因如下：", "Part of this volume is estimated, because:";
    doubt_gap_at_start: "开始时刻附近没有读数，按前后读数推算", "there is no reading near the start; it is worked out from the readings before and after";
    doubt_gap_at_end: "结束时刻附近没有读数，按前后读数推算", "there is no reading near the end; it is worked out from the readings before and after";
    doubt_clock: "水表报告时钟未校准", "the meter reported that its clock was not set";
    doubt_tamper: "水表报告外壳被打开或有磁铁靠近", "the meter reported an open case or a magnet";
    doubt_reverse_flow: "水表报告曾经倒流", "the meter reported that water ran backwards";
    place: "地点", "Place";
    reading_start: "起读数", "Reading at the start";
    reading_end: "止读数", "Reading at the end";
    m3: "方", "m³";
    turn: "轮灌", "Turn";
    doubt_gap_within: "中间有一段时间没有读数", "there were no readings for a while within";
    doubt_out_of_table: "水位低于率定表的有效范围", "the stage was below the rating table's valid range";
    doubt_above_capacity: "读数增长快过出水口的最大流量", "the register rose faster than the outlet can deliver";
    origin_meter_signed: "水表签名", "signed by the meter";
    origin_gateway_vouched: "网关担保", "vouched for by the gateway";
    origin_manual: "人工抄录", "read by hand";
    curve_none: "这台服务器上没有这次灌水的原始上报，画不出曲线。", "The raw reports of this watering are not on this server, so there is no curve.";
    curve_cumulative: "累计水量", "Cumulative volume";
    curve_flow: "流量", "Flow";
    curve_peak: "最大 {0} 方/小时", "at most {0} m³/h";
    curve_text: "水量曲线：从 {0} 到 {1} 共 {2} 方，最大流量 {3} 方/小时。", "Volume curve: from {0} to {1}, {2} m³ in all, flow at most {3} m³/h.";
    curve_caption: "两条虚线之间是这次灌水（{0}）。曲线由水表自己签名的 {1} 个读数画出。", "The watering lies between the two dashed lines ({0}). The curve is drawn from {1} readings that the meter itself signed.";
    shares: "分摊到户", "Shares of the households";
    shares_words: "斗口水量{0}分摊，取整到升，各户相加正好等于斗口水量。", "The outlet volume is shared {0}, in whole litres; the shares add up to it exactly.";
    shares_words_household: "这次灌水计量到一户，斗口水量全部归该户。", "This watering was metered to one household, which gets the whole outlet volume.";
    method_household: "计量到户", "metered to one household";
    method_area: "按面积", "by area";
    method_minutes: "按时间", "by minutes";
    method_minutes_flow: "按时间和流量", "by minutes and flow";
    method_fixed: "按约定份额", "by agreed shares";
    minutes: "分钟", "Minutes";
    flow_l_per_s: "流量（升/秒）", "Flow (L/s)";
    weight: "约定份额", "Agreed weight";
    household_no: "户号", "Household";
    share_m3: "水量（方）", "Share (m³)";
    total: "合计", "Total";
    evidence: "依据", "Evidence";
    evidence_meter_signed: "水表 {0} 的第 {1} 至 {2} 号上报，一份不缺，每份都由水表自己签名。", "Reports {1} to {2} of meter {0}, none left out, each signed by the meter itself.";
    evidence_gateway_vouched: "水表 {0} 的第 {1} 至 {2} 号上报，一份不缺；水表自己不签名，由网关签名担保。", "Reports {1} to {2} of meter {0}, none left out; the meter signs nothing itself, the gateway signs for it.";
    evidence_manual: "水表 {0} 的第 {1} 至 {2} 次人工抄录，一次不缺，每次都由抄表人签名。", "Entries {1} to {2} by hand of meter {0}, none left out, each signed by whoever read it.";
    evidence_file: "原始上报", "Raw reports";
    evidence_root: "上报的总指纹", "Root over the reports";
    attachment_evidence: "下载原始上报（{0}）", "Download the raw reports ({0})";
    attachment_roster: "下载花名册（{0}）", "Download the roster ({0})";
    attachment_bills: "下载全部水费单（{0}）", "Download all bills ({0})";
    attachment_other: "下载附件（{0}）", "Download the attachment ({0})";

    // Other kinds of postings
    tariff_code: "水价编号", "Tariff";
    valid_from: "起用时间", "Valid from";
    metered_price: "计量水价", "Metered prices";
    basic_price: "基本水价", "Basic charges";
    yuan_per_m3: "元/方", "yuan/m³";
    yuan_per_mu_year: "元/亩·年", "yuan per mu and year";
    tariff_words: "灌水开始时有效的水价用来计费；新水价公示后，旧公示和已结算的水费不变。", "A watering is priced by the tariff in force when it began. A new tariff changes nothing that was posted or billed before.";
    area_total: "总面积", "Total area";
    mu: "亩", "mu";
    roster_words: "公示记录里只有户号、地块和水权，没有姓名；页上的姓名已隐去，另存在本服务器上。灌水按开始时有效的花名册分摊。", "The log holds household numbers, plots and water rights, and no names; the masked names on this page are kept beside it on this server. A watering is shared by the roster in force when it began.";
    plots: "地块", "Plots";
    water_right_m3: "水权（方/年）", "Water right (m³ a year)";
    source: "水源", "Source";
    source_surface: "地表水", "surface water";
    source_ground: "地下水", "groundwater";
    list_cut: "另有 {0} 行，见附件。", "{0 more row|more rows} in the attachment.";
    key_act: "事项", "Act";
    key_enrolled: "登记密钥", "Key enrolled";
    key_replaces: "接替的密钥", "In place of";
    key_kept: "密钥存放", "Kept";
    kept_browser: "浏览器内，不能取出", "in a browser, cannot be taken out";
    kept_software: "软件密钥（口令加密）", "software key (encrypted by a PIN)";
    kept_file: "密钥文件", "in a file";
    key_revoked: "撤销密钥", "Key revoked";
    key_state: "现状", "Present state";
    key_words: "登记或撤销从下一条公示起生效，不追溯以前的签字。", "It takes effect from the next posting on, and never touches earlier signatures.";
    revoked_lost: "丢失", "lost";
    revoked_stolen: "可能被他人掌握", "may be in other hands";
    revoked_left_office: "不再担任", "left office";
    own_household: "本人农户", "Own household";
    recusal_note: "有份额的灌水须回避，不能会签", "recused from any watering in which it has a share";
    public_key: "公钥", "Public key";
    district: "灌区", "District";
    log_key: "记录公钥", "Log key";
    root_key: "根密钥", "Root key";
    policy: "签字规则", "Signing rules";
    policy_words: "少一个签字就不能公示。灌水、花名册、更正和结算必须由水管所和村社双方会签。", "Nothing is posted with a signature missing. Waterings, rosters, corrections and settlements must be signed by both the station and the village.";
    must_sign: "须由谁签", "Who must sign";
    and_sign: " + ", " + ";
    rule_of_role: "{0}（{1}）", "{0} ({1})";
    within: "{0} 小时内", "within {0 hour|hours}";

    // What the log says by itself
    overdue_words: "{0}：到 {1} 还没有签完。按签字规则，由系统自动公示。", "{0}: not all signatures were there by {1}. Posted by itself, as the signing rules say.";
    overdue_signed: "已签", "Signed";
    overdue_asked: "应签未签", "Asked and not signed";
    overdue_nobody: "无", "nobody";
    overdue_figures: "水表记下的数", "What the meter counted";
    day_until: "截至", "Until";
    day_outlets: "斗口数", "Outlets";
    day_words: "没有放水也每天公示，谁都可以拿它和以后的公示对照，看有没有上报被扣下。", "Posted every day, also when nothing flowed, so that anyone can tell later whether reports were withheld.";
    day_reports: "水表上报到", "Reports of the meter";
    day_up_to: "第 {0} 条", "up to no. {0}";
    day_untold: "还不能确定", "cannot be told yet";
    registry_words: "登记的村、斗口和水表。同一编号再次公示即取代从前的登记。", "Villages, outlets and meters. A later posting under the same code takes the place of the earlier one.";
    gap_tolerance: "读数间隔容许", "Gap tolerance";
    meters: "水表", "Meters";
    meter_unit: "换算", "Scale";
    scale_register: "1 字 = {0} 方", "1 unit = {0} m³";
    scale_stage: "水位，率定表 {0}", "stage, rating table {0}";
    scale_energy: "1 度电 = {0} 方", "1 kWh = {0} m³";
    declared: "来源与申报", "Origin and declarations";
    declared_initial: "安装读数 {0}", "initial value {0}";
    declared_removed: "{0} 拆除", "removed {0}";
    declared_final: "拆除读数 {0}", "final value {0}";
    declared_reset: "{0} 由 {1} 调为 {2}", "{0}: set from {1} to {2}";
    key_from_report: "自第 {0} 号上报起", "from report {0}";
    rating_tables: "率定表", "Rating tables";
    rating_range: "有效水位 {0}–{1} 毫米", "valid from {0} to {1} mm";
    stage_mm: "水位（毫米）", "Stage (mm)";
    discharge_l_s: "流量（升/秒）", "Discharge (L/s)";
    installed_at: "安装日期", "Installed";
    device_key: "签名公钥", "Signing keys";
    bills_total: "水费合计", "Total charges";
    bills: "水费单", "Bills";
    waterings_billed: "结算的灌水（公示号）", "Waterings billed (postings)";
    bill_run_words: "水费由上列灌水、水价和花名册算出，任何人都能重算到分。点户号看每一步。", "The charges follow from the waterings, tariff and roster above; anyone can recompute them to the fen. Follow a household number for every step.";
    bills_in_file: "逐户水费单见附件。", "The bills of the households stand in the attachment.";
    basic_yuan: "基本水费（元）", "Basic (yuan)";
    metered_yuan: "计量水费（元）", "Metered (yuan)";
    due_yuan: "应缴（元）", "Due (yuan)";

    // A household
    household_title: "户号 {0}", "Household {0}";
    land_words: "{0}，{1} 亩，种植{2}。", "{0}, {1} mu, growing {2}.";
    land_none: "这个户号不在现行花名册里，以下是以前的公示。", "This number is not in the roster in force; below is what was posted before.";
    this_year: "{0} 年用水", "Water in {0}";
    other_years: "其他年份：", "Other years: ";
    use_words: "今年灌水 {0} 次，分摊水量 {1} 方。", "{0 watering|waterings} this year, your share {1} m³ in all.";
    use_words_past: "当年灌水 {0} 次，分摊水量 {1} 方。", "{0 watering|waterings} that year, this household's share {1} m³ in all.";
    cost_words: "已结算水费 {0}。", "Billed so far: {0}.";
    cost_words_open: "已结算水费 {0}，未结算的还有 {1}，见下面的“未定稿”。", "Billed so far: {0}. What is not settled yet comes to {1}: see “not final” below.";
    own_use: "本户", "This household";
    median_use: "本村中位数", "Village median";
    compared_none: "本村今年还没有公示的灌水，暂无比较。", "No watering is posted in the village this year, so there is nothing to compare with.";
    compared_more: "比本村有用水农户的中位数多 {0}。面积大的农户用水自然多。", "{0} more than the median of the village's watered households. More land takes more water.";
    compared_less: "比本村有用水农户的中位数少 {0}。面积大的农户用水自然多。", "{0} less than the median of the village's watered households. More land takes more water.";
    compared_same: "与本村有用水农户的中位数相同。", "The same as the median of the village's watered households.";
    own_share_m3: "本户分摊（方）", "Own share (m³)";
    signed_by: "谁签的字", "Signed by";
    household_waterings_none: "{0} 年还没有公示的灌水。若您已浇过水，会签完成后会出现在这里；超过五天仍没有，请问水管所。", "No watering is posted for {0} yet. If you have been watered, it appears once both sides have signed; after five days, ask the water station.";
    household_more: "只列出最近的 200 次灌水。", "Only the latest 200 waterings are listed.";
    household_bills_none: "还没有水费单。每轮结算后，水费怎样算出会一步步写在这里。", "No bill yet. After each settlement every step of the sum is written out here.";
    bill_title: "{0}（结算公示 {1} 号）", "{0} (settlement, posting {1})";
    bill_rests: "依据结算公示 {0} 号，{1}", "Rests on settlement posting {0}, {1}";
    tariff_at: "水价：公示 {0} 号", "Tariff: posting {0}";
    line_metered_tried: "计量水费（{0}）", "Metered charge ({0})";
    line_tier_tried: "超定额第 {1} 阶梯（{0}）", "Above quota, tier {1} ({0})";
    watering_at: "灌水：公示 {0} 号", "Watering: posting {0}";
    bill_due: "应缴", "Due";
    household_check: "有疑问？先看每次灌水的曲线和签字，再拿户号和公示号问水管所或村社干部。", "In doubt? Look at each watering's curve and signatures, then ask the station or the cadre, naming household and posting.";

    // Search
    search_title: "查找", "Find";
    search_empty: "请输入户号、公示号、斗口或水表的编号，或村、斗口的名称。编号印在墙上公示和水费单上。", "Enter a household number, a posting, the code of an outlet or meter, or the name of a village or outlet. The codes are printed on the wall notice and on the bills.";
    search_nothing: "没有找到“{0}”。", "Nothing was found for “{0}”.";
    search_nothing_next: "请核对水费单或墙上公示上的编号，只输数字和字母；也可以从首页选村查找。", "Check the code on the bill or the wall notice and type digits and letters only, or start from your village on the overview.";
    search_found: "找到 {0} 项：“{1}”", "{0} found for “{1}”";

    // The log
    log_title: "公示记录", "The public log";
    log_what: "一切会签过的内容按顺序写进这本记录，只能增加，不能改动或删除。", "Everything co-signed is written into this log in order. It only grows: nothing is changed or removed.";
    log_verify_words: "任何人都可以复制整本记录，在自己的电脑上重算：", "Anyone can copy the whole log and recompute it on their own computer:";
    log_paths: "记录按公开标准 C2SP tlog-tiles 提供，地址为 /checkpoint、/tile/… 和 /attachments/…，其他程序也能读取和核对。", "The log is served as C2SP tlog-tiles at /checkpoint, /tile/… and /attachments/…, so that programs nobody here wrote can read and check it.";

    // Meters
    meters_none: "还没有登记水表，也没有收到上报。", "No meter is registered and none has reported yet.";
    meter_unregistered: "未登记", "not registered";
    last_reading: "最近读数", "Last reading";
    last_received: "最近收到", "Last received";
    receipt_seq: "已收妥", "Receipt";
    never_reported: "从未上报", "never reported";
    device_status: "连接", "Connection";
    device_online: "在线", "online";
    device_offline: "离线", "offline";
    device_since: "{0} 起", "since {0}";
    devices_note: "“在线”“离线”是水表自己的说法，只作提示，不影响水量；时间从本服务器最先听到时算起。", "“Online” and “offline” are what the meter says of itself: a hint that no volume rests on. The time is when this server first heard it.";

    // Refused messages
    quarantine_title: "拒收的上报", "Refused reports";
    quarantine_what: "没有通过检查的上报和其他消息不计水量，但都留在这里公开，写明原因。", "A report or another message that fails a check counts for nothing, and is kept here in public with the reason.";
    quarantine_none: "没有拒收过上报。", "No report has been refused.";
    quarantine_counts: "按原因", "By reason";
    quarantine_newest: "最新", "Newest";
    reason_oversize: "过长", "Too long";
    reason_malformed: "格式不对", "Not a well-formed report";
    reason_unknown_meter: "未登记的水表", "Meter not in the registry";
    reason_other_meters_topic: "冒用别的水表的主题", "Under another meter's topic";
    reason_other_district: "别的灌区的主题", "Under another district's topic";
    reason_bad_signature: "签名不符", "Not signed by the meter's key";
    reason_time_ahead: "时间超前", "Time lies ahead";
    reason_other_kind: "读数种类不符", "Other kind of values than registered";
    reason_sequence_reused: "序号重复而内容不同", "Sequence number used for another report";
    reason_sequence_impossible: "序号不可能", "Impossible sequence number";
    reason_unknown_topic: "不是水表的主题", "A topic that no meter publishes to";
    reason_bad_status: "不是在线状态", "Not a device status";
    reason_bad_packet: "不合 MQTT 规定", "Not the MQTT that is spoken here";
    reason_foreign_oversize: "外来消息过长", "Foreign message too long";
    reason_foreign_not_json: "外来消息不是 JSON", "Foreign message is not JSON";
    reason_foreign_too_deep: "外来消息嵌套过深", "Foreign message nested too deep";
    reason_foreign_duplicate_key: "外来消息的键重复", "A key of a foreign message stands twice";
    reason_foreign_missing_pointer: "外来消息里没有所需的值", "A value is missing in a foreign message";
    reason_foreign_wrong_type: "外来消息里的值类型不符", "A value of another type in a foreign message";
    reason_foreign_not_a_number: "外来读数不是数", "Foreign reading is not a number";
    reason_foreign_out_of_range: "外来读数超出范围", "Foreign reading out of range";
    reason_foreign_fraction: "外来读数不是整单位", "Foreign reading is a fraction of the unit";
    reason_foreign_time_missing: "外来读数没有时间", "Foreign reading without a time";
    reason_foreign_time_unreadable: "外来读数的时间格式不符", "Foreign reading whose time cannot be read";
    reason_foreign_time_out_of_range: "外来读数的时间超出范围", "Foreign reading whose time is out of range";
    reason_foreign_unknown_device: "没有配置的设备", "Device that stands for no meter";
    reason_foreign_other_devices_topic: "冒用别的设备的主题", "Under another device's topic";
    reason_foreign_topic_shape: "主题缺少所需的一级", "Topic without the level that is read";
    reason_foreign_no_samples: "外来消息里没有读数", "Foreign message without samples";
    reason_foreign_too_many_samples: "外来消息里读数过多", "Foreign message with too many samples";
    reason_foreign_data_unreadable: "外来数据不是 base64", "Foreign data is not base64";
    reason_foreign_data_too_short: "外来数据过短", "Foreign data ends before the value";
    reason_foreign_not_vouched: "水表未登记为网关担保", "Meter not registered as vouched for by this gateway";
    reason: "原因", "Reason";
    messages: "条数", "Messages";
    received_at: "收到时间", "Received";
    claimed_meter: "自称水表", "Claimed meter";
    message_start: "内容开头", "Beginning of the message";
    bytes_many: "共 {0} 字节", "{0 byte|bytes} in all";
    message_whole: "全部内容（十六进制）", "The whole message in hexadecimal digits";
    message_kept: "保存的前 {0} 字节（十六进制）", "The first {0 byte|bytes}, which are kept, in hexadecimal digits";

    // What cannot be shown
    not_found: "没有这一页", "There is no such page";
    not_found_words: "这个地址没有内容：编号可能写错，或者这一条还没有公示。", "Nothing stands at this address: a number may be mistyped, or the entry is not posted yet.";
    not_found_next: "请用上方的查找框输入户号或公示号，或者回到首页。", "Use the search box above with a household or posting number, or go back to the overview.";
    bad_input: "看不懂这个地址", "This address cannot be read";
    bad_input_words: "地址里有一项写得不对，例如该是数字的地方不是数字。", "Part of the address is not written as it should be; for example, something stands where a number belongs.";
    bad_input_next: "请检查地址，或者从首页重新进入。", "Check the address, or start again from the overview.";
    unavailable: "现在打不开", "Not available right now";
    unavailable_words: "服务器这会儿没能取出内容。公示记录没有受影响。", "The server could not fetch this just now. The public log is not affected.";
    unavailable_next: "请过几分钟再试。若一直打不开，请告诉水管所。", "Try again in a few minutes. If it stays like this, tell the water station.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text's key, and the text in both languages.
    pub(super) type Pair = (&'static str, &'static str, &'static str);

    fn placeholders(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split(['}', ' ']).next()).collect();
        found.sort_unstable();
        found
    }

    /// No text is missing in either language, and each is in its own.
    pub(super) fn check(pairs: &[Pair]) {
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (key, zh, en) in pairs {
            assert!(!zh.is_empty() && !en.is_empty(), "{key}");
            assert_eq!(placeholders(zh), placeholders(en), "{key}");
            assert!(!chinese(en), "{key}: {en}");
            assert!(
                chinese(zh) || ["comma", "and_sign", "rule_of_role"].contains(key),
                "{key}: {zh}"
            );
        }
    }

    /// Every text stands in one of the sources, behind `prefix`.
    pub(super) fn check_use(pairs: &[Pair], prefix: &str, sources: &[&str]) {
        let sources = sources.concat();
        for (key, _, _) in pairs {
            assert!(sources.contains(&format!("{prefix}.{key}")), "{key} is used nowhere");
        }
    }

    #[test]
    fn both_languages_are_whole_and_themselves() {
        check(PAIRS);
    }

    #[test]
    fn every_text_is_used() {
        let sources = [
            include_str!("show/mod.rs"),
            include_str!("show/foreign.rs"),
            include_str!("show/bill.rs"),
            include_str!("show/land.rs"),
            include_str!("show/meter.rs"),
            include_str!("refusal.rs"),
            include_str!("page/household.rs"),
            include_str!("../templates/layout.html"),
            include_str!("../templates/district.html"),
            include_str!("../templates/village.html"),
            include_str!("../templates/board.html"),
            include_str!("../templates/posting.html"),
            include_str!("../templates/household.html"),
            include_str!("../templates/search.html"),
            include_str!("../templates/log.html"),
            include_str!("../templates/meters.html"),
            include_str!("../templates/meter.html"),
            include_str!("../templates/quarantine.html"),
            include_str!("../templates/part/postings.html"),
            include_str!("../templates/part/signatures.html"),
            include_str!("../templates/part/curve.html"),
            include_str!("../templates/part/bill_lines.html"),
            include_str!("../templates/part/waiting.html"),
            include_str!("../templates/posting/watering.html"),
            include_str!("../templates/posting/tariff.html"),
            include_str!("../templates/posting/roster.html"),
            include_str!("../templates/posting/key.html"),
            include_str!("../templates/posting/district.html"),
            include_str!("../templates/posting/registry.html"),
            include_str!("../templates/posting/bill_run.html"),
            include_str!("../templates/posting/overdue.html"),
            include_str!("../templates/posting/day.html"),
        ];
        check_use(PAIRS, "t", &sources);
    }
}
