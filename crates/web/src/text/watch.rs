//! The texts of alarms, meters, turns and balances.

texts! {
    // Alarms
    nav_alarms: "告警", "Alarms";
    alarms_what: "水表和斗口上需要有人去看的事，急的在前。情况过去后告警自己消除；已发生、不会自己过去的事，要有人处理并写明。", "What somebody must look at, the most urgent first. An alarm clears by itself when the state is over; what has happened and does not pass stays until somebody deals with it and says how.";
    alarms_none: "现在没有告警。", "There is no alarm now.";
    alarms_none_of_kind: "现在没有这一类告警。", "There is no alarm of this kind now.";
    alarms_open: "未消除", "Open";
    alarms_cleared: "已消除", "Cleared";
    alarms_cleared_none: "还没有消除过告警。", "No alarm has been cleared yet.";
    alarms_cut: "只列出最急的 {0} 条。点上面的一类，可以看到这一类的全部。", "Only the {0} most urgent are listed. Choose a kind above to see all of it.";
    alarms_kinds: "按类别", "By kind";
    alarms_all: "全部", "All";
    alarms_as_of: "截至 {0}（北京时间）", "As of {0} (Beijing time)";
    alarm: "告警", "Alarm";
    alarm_no: "告警 {0} 号", "Alarm {0}";
    where_at: "在哪里", "Where";
    since: "从何时起", "Since";
    last_seen: "最近 {0}", "last {0}";
    seen_times: "共 {0} 次", "{0 time|times}";
    what_to_do: "怎么办", "What to do";
    noted: "处理", "Dealt with";
    noted_words: "{0} 于 {1}：{2}", "{0} on {1}: {2}";
    noted_none: "还没有人处理", "by nobody yet";
    cleared_at: "消除于 {0}", "Cleared {0}";
    note_how: "怎样登记处理", "How to note what is done";
    note_words: "水管所的人把下面的内容存成文件，写上告警号和处理情况，用自己的钥匙签名交上来。“已发生”的告警因此消除，其他告警等情况过去后自己消除。", "Somebody of the station saves the following as a file with the alarm's number and what is done about it, and hands it in signed with their key. This clears an alarm of something that happened; the others clear when the state is over.";
    note_example: "已到现场查看，情况……", "Seen on site: …";
    urgent: "急", "Urgent";
    soon: "尽快", "Soon";
    minor: "顺便", "Minor";

    tamper: "外壳被打开或有磁铁靠近", "Tampered with";
    tamper_do: "今天去现场看水表和铅封，拍照，写明情况。", "Look at the meter and its seal on site today; take a photograph and note what you find.";
    chain_broken: "上报接不上前一号", "Report chain broken";
    chain_broken_detail: "第 {0} 号上报接不上它前面的一号。", "Report {0} does not follow the one before it.";
    chain_broken_do: "核对水表的密钥和编号：可能换过电子部件，也可能有人伪造。跨过断点的灌水要发更正。", "Check the meter's key and number: its electronics were exchanged, or somebody forged reports. A watering across the break needs a correction.";
    register_fell: "读数倒退", "Register fell";
    register_fell_detail: "从 {0} 退到 {1}。", "From {0} to {1}.";
    register_fell_do: "查明是换表、清零还是故障，在登记里申报换表或清零；申报公示后自己消除。", "Find out whether it was a swap, a reset or a fault, and declare the swap or reset in the registry; it clears once that is posted.";
    contradiction: "同一时刻两个读数", "Two readings of one instant";
    contradiction_detail: "一个是 {0}，一个是 {1}。", "One is {0}, the other {1}.";
    contradiction_do: "检查水表的时钟。受影响的灌水要发更正，写明哪个读数作数。", "Check the meter's clock. A watering that is touched needs a correction that states which reading holds.";
    use_outside_round: "轮次之外用水", "Use outside any round";
    use_outside_round_detail: "最近一次流过 {0} 方，当时没有开轮。", "{0} m³ the last time, while no round was open.";
    use_outside_round_do: "问清是谁放的水。确是灌水的，补开轮次后自己消除，再补记轮灌；不是的，写明去向。", "Find out who took the water. If it was a watering, schedule the round, which clears this, and enter the turn; if not, note where the water went.";
    late_data: "补报改变了已签的水量", "Later readings change a signed volume";
    late_data_detail: "轮灌 {0}：签字时 {1} 方，现在测得 {2} 方。", "Turn {0}: {1} m³ when it was signed, {2} m³ by the readings now.";
    late_data_untold: "轮灌 {0}：签字时 {1} 方，现在的读数算不出水量。", "Turn {0}: {1} m³ when it was signed; the readings now tell no volume.";
    late_data_do: "签过的内容不会改动。查明原因，由水管所和村社会签一份更正；尚未公示的也可以拒签。", "What was signed is never changed. Find out why, and have station and village sign a correction; what is not posted yet can still be refused.";
    silent: "水表没有消息", "Silent";
    silent_do: "检查电池、天线和信号。水表自己存着上报，恢复后会补上。", "Check battery, antenna and signal. The meter keeps its reports and sends them when it is back.";
    missing_reports: "缺上报", "Reports missing";
    missing_reports_detail: "第 {0} 至 {1} 号之间有缺。", "Some of the reports {0} to {1} are missing.";
    missing_reports_do: "等水表补报。一直补不上的，用人工抄表补上读数。", "Wait until the meter sends them again. If it never does, enter readings by hand.";
    leak_like: "疑似渗漏", "Leak-like flow";
    leak_like_detail: "小水一直没停，已经流过 {0} 方。", "A little water without a pause, {0} m³ so far.";
    leak_like_do: "关闸以后，看闸门和管道是否漏水。", "With the gate closed, look whether gate or pipe leak.";
    above_capacity: "流量超过斗口的能力", "More than the outlet can deliver";
    above_capacity_do: "核对登记的倍率和最大流量，看水表是否损坏。这段时间的灌水会标为估算。", "Check the registered scale and capacity, and whether the meter is broken. Waterings of that time are marked estimated.";
    out_of_table: "水位超出率定表", "Stage outside the rating table";
    out_of_table_do: "实测这个水位的流量，公示一份补全的率定表。", "Gauge the flow at this stage and post a table that covers it.";
    no_scale: "没有有效的换算关系", "No scale in force";
    no_scale_do: "率定表或以电折水系数还没有或已过期：公示一份有效的。", "The rating table or the coefficient from energy to volume is missing or has expired: post one that is in force.";
    reverse_flow: "水曾倒流", "Water ran backwards";
    reverse_flow_do: "检查逆止阀和水表的安装方向。", "Check the non-return valve and which way round the meter sits.";
    low_battery: "电池电量低", "Battery low";
    low_battery_do: "下次巡查时换电池。", "Change the battery with the next visit.";
    reboots: "频繁重启", "Restarts again and again";
    reboots_detail: "一天内重启 {0} 次。", "{0 restart|restarts} within a day.";
    reboots_do: "检查电源和接线。", "Check supply and wiring.";
    clock_not_synchronised: "时钟未校准", "Clock not set";
    clock_not_synchronised_do: "检查水表怎样对时。这段时间的灌水会标为估算。", "Check how the meter sets its clock. Waterings of that time are marked estimated.";

    // Meters
    meters_what: "每块水表最近的读数、收妥到哪里，以及有什么不对。点表号看这块表的全部。", "What each meter read last, up to where its reports are in, and what is wrong. Follow a code for all about a meter.";
    meters_caption: "共 {0} 块，截至 {1}（北京时间）", "{0 meter|meters} in all, as of {1} (Beijing time)";
    meters_note: "“已收妥”是服务器给水表的回执：到这个号为止的上报全部存盘，一份不缺。来源说明谁为读数担保。", "“Receipt” is what the server told the meter: all reports up to this number are on disk, none missing. The origin says who vouches for the readings.";
    origin: "来源", "Origin";
    marks: "不对的地方", "What is wrong";
    marks_none: "没有", "nothing";
    silent_for: "{0}没有消息", "silent for {0}";
    removed: "已拆下", "removed";
    meter_title: "水表 {0}", "Meter {0}";
    meter_scale: "换算", "Scale";
    meter_keys: "密钥", "Keys";
    meter_keys_none: "没有密钥：只有人工抄录", "none: people read it";
    meter_stored: "收妥到第 {0} 号，共存 {1} 份", "complete up to report {0}; {1} stored";
    meter_by_hand: "{0} 次，最近一次", "{0 entry|entries}, the latest of";
    meter_reports: "上报", "Reports";
    meter_missing: "缺的上报", "Missing reports";
    meter_missing_none: "一份不缺。", "None is missing.";
    meter_missing_one: "第 {0} 号", "report {0}";
    meter_missing_range: "第 {0} 至 {1} 号", "reports {0} to {1}";
    meter_breaks: "接不上前一号的上报", "Reports that do not follow the one before";
    meter_breaks_none: "每一份都接上前一份。", "Each follows the one before it.";
    meter_alarms: "告警", "Alarms";
    meter_alarms_none: "这块水表没有过告警。", "This meter has raised no alarm.";
    meter_latest: "最近的上报", "Latest reports";
    meter_latest_none: "还没有收到这块水表的上报。", "No report of this meter has come in yet.";
    entry_no: "第 {0} 次人工抄录", "Entry by hand {0}";
    report_no: "第 {0} 号", "Report {0}";
    report_restarted: "重启过（第 {0} 次开机）", "restarted (start {0})";
    reading_at: "时间", "Time";
    reading_value: "读数", "Reading";
    reading_flowed: "此前流过（方）", "Flowed since (m³)";
    flow_days: "最近三天的水量和流量", "Volume and flow of the last three days";
    flow_text: "水量曲线：从 {0} 到 {1}，最大流量 {2} 方/小时。", "Volume curve from {0} to {1}; flow at most {2} m³/h.";
    proposal_caption: "水在两条虚线之间流，由 {0} 个读数画出。", "Water ran between the dashed lines; drawn from {0 reading|readings}.";
    flow_caption: "由这块水表的 {0} 个读数画出。", "Drawn from {0 reading|readings} of the meter.";
    not_posted_registry: "这块水表不在现行登记里。", "This meter is not in the registry in force.";

    // Turns
    nav_turns: "轮灌", "Turns";
    turns_what: "谁在放水，哪些灌水在等签字，还有哪些水流过却没有轮灌。", "Who has the water, which waterings wait for signatures, and which water ran without a turn.";
    turns_open: "正在放水", "Open now";
    turns_open_none: "现在没有开着的轮灌。", "No turn is open now.";
    opened_at: "开闸时间", "Opened";
    so_far: "已放水量", "So far";
    so_far_words: "{0} 方（到 {1}）", "{0} m³ (up to {1})";
    so_far_none: "等下一个读数", "after the next reading";
    turns_unposted: "等签字和公示", "Waiting for signatures";
    turns_unposted_none: "没有等签字的灌水。", "No watering waits for signatures.";
    statement_no: "{0} 号草稿", "statement {0}";
    state_draft: "待水管所签", "waits for the station";
    state_awaiting: "待村社会签", "waits for the village";
    state_co_signed: "待公示", "waits to be posted";
    sign_with: "签字命令", "To sign";
    proposals: "流过的水，还没有轮灌", "Water that ran without a turn";
    proposals_what: "水表看到水流起、流停，没有哪个轮灌记着它。是灌水就补记，不是就注明。它们不是记录：没人处理，这些水就留在“未入账水量”里。", "A meter saw water start and stop, and no turn accounts for it. Enter it if it was a watering, or say what it was. These are no record: until somebody decides, the water stays unattributed.";
    proposals_none: "没有无主的水流。", "No water ran without a turn.";
    proposal_no: "水流 {0} 号", "Flow {0}";
    proposal_running: "还在流", "still running";
    proposal_words: "{0}，流过 {1} 方。", "{0}, {1} m³.";
    proposal_accept: "是灌水：补记轮灌", "It was a watering: enter the turn";
    proposal_accept_words: "核对社、分摊方式和起止时间，改对以后签名交上来。", "Check group, way of sharing and times, put them right, sign and hand in.";
    proposal_no_round: "当时没有开轮，不能补记。先开轮，再刷新本页。", "No round was open then, so no turn can be entered. Schedule the round first, then load this page again.";
    proposal_dismiss: "不是灌水：注明", "It was none: say what it was";
    dismiss_example: "渠道冲洗", "canal flushed";

    // The balance of a round
    balance: "水账", "Water account";
    balance_words: "斗口水量 = 已公示 + 已测未公示 + 未入账，逐升相等。未入账的水是水表看到、没有哪次灌水记着的水。", "Counted at the outlet = posted + measured and not posted + unattributed, to the litre. Unattributed water is what the meter saw and no watering accounts for.";
    balance_period: "起止时间", "From – to";
    balance_metered: "斗口水量（方）", "Counted (m³)";
    balance_posted: "已公示（方）", "Posted (m³)";
    balance_unposted: "已测未公示（方）", "Not posted yet (m³)";
    balance_unattributed: "未入账（方）", "Unattributed (m³)";
    balance_running: "到最近的读数为止", "up to the last reading";
    balance_untold: "其间有时段算不出水量", "no volume can be told for part of the time";
    balance_unknown: "现在算不出", "cannot be told now";
    balance_no_readings: "这段时间没有读数", "no readings of this time";
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
            include_str!("../show/watch.rs"),
            include_str!("../page/turns.rs"),
            include_str!("../page/alarms.rs"),
            include_str!("../../templates/layout.html"),
            include_str!("../../templates/alarms.html"),
            include_str!("../../templates/meters.html"),
            include_str!("../../templates/meter.html"),
            include_str!("../../templates/part/readings.html"),
            include_str!("../../templates/turns.html"),
            include_str!("../../templates/part/alarms.html"),
            include_str!("../../templates/part/balance.html"),
        ];
        check_use(PAIRS, "watch", &sources);
    }
}
