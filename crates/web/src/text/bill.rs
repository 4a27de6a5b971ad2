//! The texts of tariffs and of the lines of a bill.

texts! {
    yuan_per_100_m3: "元/百方", "yuan per 100 m³";
    yuan_per_household_year: "元/户·年", "yuan per household and year";
    year: "年度", "Year";
    crop_class: "作物类别", "Class of crops";
    class_crops: "作物", "Crops";
    class_other: "其他作物", "all other crops";
    quota_surface: "地表水定额（方/亩·年）", "Quota, surface water (m³ per mu and year)";
    quota_ground: "地下水定额（方/亩·年）", "Quota, groundwater (m³ per mu and year)";
    holds_for: "适用", "Holds for";
    scope_all: "全部", "all";
    when: "时间", "When";
    all_year: "全年", "all year";
    price: "价格", "Price";
    whole_words: "整次灌水合计后四舍五入，再分到各户", "a watering is rounded as a whole, then divided";
    over_quota: "超定额", "Above quota";
    tier_up_to: "超 {0}% 以内（含）", "up to {0}% over, inclusive";
    tier_last: "再往上", "above that";
    loss_term: "输水损失", "Conveyance loss";
    loss_deduct: "从计量水量中扣除 {0}%", "{0}% of the measured volume is not charged";
    loss_add: "在计量水量上加 {0}%", "{0}% is added to the measured volume";
    loss_priced_in: "已含在水价里", "in the price already";
    minimum_term: "每年最低水费", "Least for a year";
    fees_title: "其他收费", "Fees";
    subsidies_title: "补贴（定额内用水）", "Subsidies (on use within quota)";
    rewards_title: "节水奖励（年末，元/方）", "Rewards for water saved (at the year's end, yuan/m³)";
    rule_name: "名称", "Name";
    charged_on: "计收范围", "Charged on";
    on_all: "全部用水", "all use";
    on_within: "定额内", "use within quota";
    on_above: "超定额部分", "use above quota";
    on_percent: "超过定额 {0}% 的部分", "use above {0}% of the quota";
    on_per_mu: "每亩超过 {0} 方的部分", "use above {0} m³ per mu";
    running_title: "未定稿：到今天还没有结算的", "Not final: not settled as of today";
    running_words: "按已公示的灌水和现行水价算出；结算前还可能变。", "From posted waterings at the present price; it may change before it is settled.";
    bill_title_year: "{0} 年终（结算公示 {1} 号）", "Closing of {0} (settlement, posting {1})";
    line_basic: "{0} 年基本水费（{1}）", "Basic charge for {0} ({1})";
    line_basic_rule: "面积 × 每亩价格，四舍五入到分，每户每年一次。", "Area × price per mu, rounded half up to the fen, once a household and year.";
    line_yearly: "{0}（{1} 年）", "{0} ({1})";
    line_metered: "计量水费，灌水公示 {0} 号（{1}）", "Metered charge, watering posting {0} ({1})";
    line_tier: "超定额第 {2} 阶梯，灌水公示 {0} 号（{1}）", "Above quota, tier {2}, watering posting {0} ({1})";
    line_fee: "{0}，灌水公示 {1} 号", "{0}, watering posting {1}";
    line_reward: "{0}（{1} 年，{2}）", "{0} ({1}, {2})";
    line_minimum: "补足 {0} 年最低水费", "Short of the least for {0}";
    line_whole: "整次灌水：", "The whole watering: ";
    line_share: "本户份额：", "This household: ";
    line_taken: "…，分得 ", "…, taken as ";
    step_loss: "本户水量 {0} 方，计输水损失后为 {1} 方", "The share of {0} m³ is {1} m³ after conveyance loss";
    step_short: "最低 {0}，已计 {1}，补 {2}", "At least {0}, charged {1}: short of {2}";
    step_gone: "这一项不再计收：{0}", "Not charged any more: {0}";
    step_adjusted: "更正：以前已计 {0}，本次 {1}", "Adjusted: billed before {0}, now {1}";
    line_metered_rule: "水量 × 单价，四舍五入到分。整次计价的，零头按最大余数法分给各户，相加正好等于整次水费。", "Litres × price, rounded half up to the fen. Where a watering is priced whole, odd fen go by largest remainder, so the parts add up to it.";
    line_tier_rule: "本年累计用水超出定额的部分，按阶梯单价计。", "What the year's use is above the quota, at the tier's price.";
    line_fee_rule: "水量 × 收费标准，四舍五入到分。", "Litres × the fee, rounded half up to the fen.";
    line_subsidy_rule: "只补贴定额以内的用水。", "On use within quota alone.";
    line_reward_rule: "年末比定额少用的水 × 奖励标准。", "What was saved below quota at the year's end × the reward.";
    line_minimum_rule: "全年水费不足最低水费的，补到最低水费。", "Where a year comes to less than the least, it is made up to it.";
    over_yuan: "加价（元）", "Above quota (yuan)";
    fees_yuan: "其他收费（元）", "Fees (yuan)";
    given_yuan: "补贴奖励（元）", "Given back (yuan)";
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
            include_str!("../show/bill.rs"),
            include_str!("../../templates/household.html"),
            include_str!("../../templates/part/bill_lines.html"),
            include_str!("../../templates/posting/bill_run.html"),
            include_str!("../../templates/posting/tariff.html"),
        ];
        check_use(PAIRS, "bill", &sources);
    }
}
