//! The texts of the page that says what one would pay.

texts! {
    title: "水价试算", "What would I pay?";
    what: "填作物、面积和水量，按公示的水价一步步算出要缴多少。只是试算，不保存，也不作数。", "Enter crop, land and water: the posted tariff is worked out step by step. It is a trial: nothing is kept, and nothing is owed.";
    none: "现在还没有水价。水价会签并公示后，这里就能试算。", "There is no tariff yet. Once one is co-signed and posted, you can try it here.";
    problems: "有的地方填得不对", "Something is not right yet";
    crop: "作物或作物类别", "Crop, or class of crops";
    mu: "面积（亩）", "Area (mu)";
    source: "水源", "Source";
    source_choose: "请选择", "Choose";
    date: "灌水日期", "Day of the watering";
    used: "今年已用水（方）", "Used earlier this year (m³)";
    used_hint: "同一水源，按计费水量；没有就不填", "from the same source, as charged; leave empty if none";
    water: "这次用水（方）", "Water now (m³)";
    submit: "试算", "Work it out";
    wrong_crop: "作物：填一种作物或一个类别，不超过 20 个字。", "Crop: write one crop or class, at most 20 characters.";
    wrong_mu: "面积：填亩数，大于 0，最多两位小数，如 12.5。", "Area: write mu above 0 with at most two decimals, like 12.5.";
    wrong_source: "水源：请选地表水或地下水。", "Source: choose surface water or groundwater.";
    wrong_date: "灌水日期：填一天，如 2026-05-01。", "Day: write it like 2026-05-01.";
    wrong_used: "今年已用水：填方数，最多三位小数，或不填。", "Used earlier: write m³ with at most three decimals, or leave it empty.";
    wrong_water: "这次用水：填方数，最多三位小数，如 350。", "Water now: write m³ with at most three decimals, like 350.";
    no_tariff: "{0}还没有水价。请选晚一些的日期。", "No tariff is in force on {0}: choose a later day.";
    no_class: "水价里没有“{0}”。请从表中选一种作物或类别。", "The tariff has no class for “{0}”: choose one of its crops or classes.";
    no_price: "水价里没有{0}的价格。请选另一种水源。", "The tariff has no price for {0}: choose the other source.";
    out_of_range: "数太大，算不了。请填少一些的面积或水量。", "The amount is out of range: enter less land or water.";
    result: "要缴多少", "What it comes to";
    result_words: "{0}，{1} 亩，{2}，{3}：用水 {4} 方，此前已用 {5} 方。", "{0}, {1} mu, {2}, {3}: {4} m³ now, {5} m³ before.";
    result_water: "这次的水费", "For this water";
    result_year: "{0} 年一次的费用", "Once for {0}";
    result_year_none: "没有一年一次的费用。", "Nothing is owed once a year.";
    in_force: "所用的水价", "The tariff";
    posted: "公示 {0} 号", "posting {0}";
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
            include_str!("../../templates/layout.html"),
            include_str!("../../templates/district.html"),
            include_str!("../../templates/tariff.html"),
            include_str!("../page/tariff.rs"),
        ];
        check_use(PAIRS, "explain", &sources);
    }
}
