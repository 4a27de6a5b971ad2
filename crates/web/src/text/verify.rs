//! The texts about checking: the tick, the receipt on paper, the page that checks receipts. What their
//! scripts say stands in `assets/script/verify-text.js`.

texts! {
    tick_waits: "本页可以在您的浏览器里对着公示记录核对。", "This page can be checked in your browser against the public log.";
    tick_no_script: "自动核对需要浏览器允许运行脚本（JavaScript）。不开脚本，也可以在电脑上用命令核对，做法在本页下方。", "The check by itself needs JavaScript. Without it, check by the commands below on a computer.";
    one_posting: "只核对这一条", "Check this posting alone";
    one_posting_words: "下载凭证和原文，在自己的电脑上核对：原文在记录里，检查点由记录的钥匙签名。", "Download receipt and content and check them on your own computer: the content is in the log, whose key signed the checkpoint.";
    key_words: "命令里的记录公钥也是本页给的：请与纸质凭证上的、或水管所在电话里念的对照。", "The log's key in the command comes from this page too: compare it with the one on a receipt on paper, or have the station read it out on the telephone.";
    receipt_page: "打印公示凭证", "Print the receipt";
    check_receipt: "核对一份凭证", "Check a receipt";
    receipt_title: "公示凭证", "Receipt";
    receipt_words: "这张凭证证明公示 {0} 号的原文在公示记录里。多年以后，不靠本网站也能核对。", "This receipt proves that the content of posting {0} is in the public log. It can be checked years later without this site.";
    receipt_log: "公示记录", "Public log";
    receipt_covers: "检查点", "Checkpoint";
    receipt_covers_words: "{0} 条", "{0 entry|entries}";
    receipt_fingerprint: "记录公钥指纹", "Fingerprint of the log's key";
    receipt_qr: "凭证的二维码，{0} 字节", "QR code of the receipt, {0} bytes";
    receipt_qr_words: "扫出的文字就是整份凭证，可以粘贴到 {0} 核对。", "The text in the code is the whole receipt; paste it at {0} to check it.";
    receipt_too_long: "这份凭证有 {0} 字节，一个二维码装不下（最多 {1} 字节），请下载文件保存。", "This receipt of {0} bytes does not fit one QR code (at most {1} bytes): download and keep the file.";
    receipt_text: "凭证全文", "The receipt, word for word";
    print_hint: "用浏览器的打印功能打印本页。", "Print this page with the browser.";
    back_to_posting: "回到公示 {0} 号", "Back to posting {0}";
    verify_title: "核对凭证", "Check a receipt";
    verify_what: "把公示凭证（.tlog-proof 文件，或扫二维码得到的文字）放在这里，您的浏览器会核对它证明什么。", "Put a receipt here (a .tlog-proof file, or the text of its QR code): your browser checks what it proves.";
    verify_no_script: "在这里核对需要浏览器允许运行脚本（JavaScript）。不开脚本，可以在电脑上核对：", "Checking here needs JavaScript. Without it, check on a computer:";
    verify_by_command: "用命令核对得出同样的结论：", "The command comes to the same verdict:";
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
            include_str!("../../templates/posting.html"),
            include_str!("../../templates/receipt.html"),
            include_str!("../../templates/verify.html"),
        ];
        check_use(PAIRS, "verify", &sources);
    }
}
