//! The texts of the pages for signing and enrolment that the server writes; what their scripts say
//! stands in `assets/script/text.js`.

texts! {
    nav_sign: "会签", "Sign";
    sign_title: "待会签", "To sign";
    sign_no_script: "会签要在这部手机上用您自己的钥匙签字，需要浏览器允许运行脚本（JavaScript）。请在浏览器设置里打开；也可以在电脑上用命令 mingqu sign 签字。", "Signing uses your own key on this phone and needs JavaScript. Turn it on in the browser's settings, or sign on a computer with the command mingqu sign.";
    outbox_title: "待发的签字", "Signatures to be sent";
    enrol_title: "登记签字钥匙", "Enrol a signing key";
    enrol_no_script: "签字钥匙在这部手机里做成，需要浏览器允许运行脚本（JavaScript）。请在浏览器设置里打开；也可以在电脑上用命令 mingqu keys new 做一把钥匙，交水管所登记。", "The key is made on this phone, which needs JavaScript. Turn it on in the browser's settings, or make a key on a computer with mingqu keys new and have the station enrol it.";
    script_loading: "正在打开……", "Opening…";
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
            include_str!("../../templates/sign.html"),
            include_str!("../../templates/enrol.html"),
            include_str!("../../templates/outbox.html"),
        ];
        check_use(PAIRS, "sign", &sources);
    }
}
