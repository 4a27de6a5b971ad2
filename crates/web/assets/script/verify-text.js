// What the checks of a page say, in both languages: [中文, English]. `{0}`, `{1}` … are filled in.

import { speakerOf } from "./speaker.js";
import { WORDS } from "./words.js";

export const TEXTS = {
  ...WORDS,

  // While it runs, and when it could not
  running: ["正在核对公示记录……", "Checking the public log…"],
  nothing: ["没有", "nothing"],
  unchecked: ["没有核对成。", "Not checked."],
  unchecked_crypto: ["这个浏览器不让不加密（http）的网页做核对。请用 https 打开本页，或按下面的办法在电脑上核对。", "This browser lets no page without https check anything. Open the page over https, or check on a computer as below."],
  unchecked_unreached: ["现在连不上服务器，等有信号时再核对。", "The server cannot be reached now. Check again with better reception."],
  unchecked_not_given: ["服务器没有给出核对要用的文件（{0}），所以不能说本条是真的。请按下面的办法在电脑上核对。", "The server did not give a file that the check needs ({0}), so nothing can be said. Check on a computer as below."],
  unchecked_error: ["核对中途出错：{0}", "The check broke off: {0}"],

  // The tick
  checked: ["✓ 已核对。", "✓ Checked."],
  checked_words: ["这一条是公示记录 {0} 条中的第 {1} 号，{2} 个签字逐个验证无误，本页 {3} 处数字与所签的内容一致。", "This is entry {1} of {0} in the public log; every signature under it ({2}) was verified, and all figures on this page ({3}) are those that were signed."],
  checked_what: ["核对了什么", "What was checked"],
  step_checkpoint: ["记录的检查点由钥匙 {0} 签名", "The log's checkpoint is signed by the key {0}"],
  step_witnesses: ["{0} 个见证人签名证明记录只增不改", "{0} witnesses cosigned that the log only grew"],
  step_no_witnesses: ["这本记录没有见证人：各人看到的是不是同一本，要与别人的检查点对照", "This log has no witnesses: compare checkpoints with somebody else to know that all see the same"],
  step_first: ["这个浏览器第一次看到这本记录，已记住它的钥匙和检查点", "This browser sees the log for the first time and has remembered its key and checkpoint"],
  step_continues: ["与这个浏览器上次看到的（{0} 条）是同一本，只增不改", "It is the log that this browser saw before (of {0} entries), and only grew"],
  step_not_kept: ["这个浏览器不能记住看到过的检查点（可能是无痕浏览）", "This browser cannot remember the checkpoint (perhaps a private window)"],
  policy_changed: ["注意：见证人名单与这个浏览器记住的不同。请向水管所或见证人问明原因。", "Mind: the list of witnesses is not the one that this browser remembers. Ask the station or a witness why."],
  policy_remember: ["问明了，记住新名单", "I have asked: remember the new list"],
  step_included: ["从第 {0} 号原文算起，逐级得出检查点的根", "The exact bytes of entry {0} lead to the checkpoint's root"],
  step_signed: ["{0} · {1} 的签字有效，钥匙由公示记录登记", "{0} · {1}: the signature holds, by a key that the log enrolled"],
  step_fetched: ["共取了 {0} 个文件", "{0} files were fetched"],
  not_checked: ["没有核对的：钥匙是否注销过、是否漏掉了别的条目、公示时间、是否已更正或结算、地名和曲线，以及签字规则的变动。这些要复制整本记录、用 mingqu audit 才能查。这个勾由本网站的脚本画出：连脚本也不信的人，请按下面的办法用自己的程序核对。", "Not checked: whether a key was revoked, whether other entries are missing, when it was posted, whether it was corrected or billed since, names of places and the curve, changes of the signing rules. These take a copy of the whole log and mingqu audit. The tick is drawn by this site's script: if you do not trust that either, check with a program of your own as below."],

  // A receipt
  receipt_file: ["凭证文件（可以连同原文文件一起选）", "Receipt file (its content may be chosen with it)"],
  receipt_text: ["或者把凭证的文字粘贴在这里", "Or paste the receipt's text"],
  receipt_key: ["纸质凭证上的记录公钥或指纹（可以不填）", "The log's key or fingerprint on paper (may be left out)"],
  receipt_check: ["核对", "Check"],
  receipt_nothing: ["请选一个凭证文件，或者粘贴凭证的文字。", "Choose a receipt, or paste its text."],
  receipt_only_entry: ["这是原文，不是凭证。原文上的签字要对着整本记录核对，请用下面的命令。", "This is the content and no receipt. Its signatures are checked against the whole log, by the command."],
  receipt_no_entry: ["服务器没有给出凭证所说的原文。如果您存有原文文件，请一起选上。", "The server does not have the content that the receipt is about. If you kept it, choose both files."],
  receipt_no_witness: ["没有见证人签名", "No witness cosigned it"],
  holds: ["✓ 有效。", "✓ It holds."],
  holds_not: ["✗ 无效。", "✗ It does not hold."],
  receipt_holds: ["第 {0} 号的原文一字不差地在记录 {2} 里，检查点有 {1} 条。", "Exactly this content stands at {0} in the log {2}, in a checkpoint over {1} entries."],
  checkpoint_holds: ["记录 {2} 签名证明它有 {1} 条。", "The log {2} signed that it has {1} entries."],
  receipt_says: ["原文写的是", "What the content says"],
  now_otherwise: ["凭证有效，但是现在的公示记录与它不符：", "The receipt holds, but the log as it is now contradicts it:"],

  // What failed
  bad_receipt: ["这份凭证不对（{0}）：它被人改过，或者不是这本记录的。", "This receipt does not hold ({0}): it was changed, or is of another log."],
  bad_too_long: ["这个文件太大，不是凭证。", "This file is too long for a receipt."],
  failed: ["✗ 没有通过核对，请不要相信本页。", "✗ The check failed: do not trust this page."],
  failed_keep: ["请把本页截图，交给监督员或见证人。", "Take a picture of this page and show it to a supervisor or witness."],
  bad_key: ["记录的公钥读不懂：{0}", "The log's key cannot be read: {0}"],
  bad_key_changed: ["记录的钥匙换了：以前是 {0}，现在是 {1}。记录的钥匙从来不换，这可能是另一本记录。", "The log has another key: it was {0} and now is {1}. A log never changes its key; this may be another log."],
  bad_key_entered: ["记录的钥匙 {0} 不是您写的那一把（{1}）。", "The log's key {0} is not the one that you gave ({1})."],
  bad_policy: ["见证人名单读不懂：{0}", "The list of witnesses cannot be read: {0}"],
  bad_checkpoint: ["检查点的签名不对（{0}）：它不是这本记录签出的，或者被人改过。", "The checkpoint's signature does not hold ({0}): the log did not sign it, or it was changed."],
  bad_witnesses: ["见证人的签名不够：只有 {0} 个。记录可能没有给见证人看过。", "There are too few witnesses' signatures: {0}. The log may not have been shown to them."],
  bad_shrunk: ["记录变短了：这个浏览器上次看到 {0} 条，现在只有 {1} 条。有人撤下了公示过的内容（分叉）。", "The log shrank: this browser saw {0} entries, now there are {1}. What was posted was taken away (a split view)."],
  bad_forked: ["记录分叉了：前 {0} 条与这个浏览器上次看到的不是同一本。有人改写了公示过的内容，或给不同的人看不同的记录。", "The log was forked: its first {0} entries are not those that this browser saw. What was posted was rewritten, or different people are shown different logs (a split view)."],
  bad_tiles: ["记录的哈希文件与检查点不符（{0}）：文件坏了或被人改过。", "The log's tiles do not lead to its checkpoint ({0}): they are damaged or were changed."],
  bad_not_in_log: ["第 {0} 号不在记录里：检查点只有 {1} 条。", "Entry {0} is not in the log: its checkpoint covers {1}."],
  bad_inclusion: ["第 {0} 号的原文不在检查点所签的记录里：原文或哈希文件被人改过。", "The bytes of entry {0} are not in the log that the checkpoint covers: they or the tiles were changed."],
  bad_entry: ["第 {0} 号的原文读不懂：{1}", "Entry {0} cannot be read: {1}"],
  bad_signature_invalid: ["{0} 的签字是假的：不是对这份内容签的。", "The signature of {0} does not hold: it is not over this content."],
  bad_signature_unknown: ["签字的钥匙 {0} 没有登记在公示记录里。", "The key {0} that signed is not enrolled in the log."],
  bad_signature_revoked: ["签字的钥匙 {0} 在此之前已经注销。", "The key {0} that signed was revoked before."],
  bad_signature_not_named: ["{0} 签了字，但这份内容没有写明由其签字。", "{0} signed, but is not named among the signers."],
  bad_signature_other_village: ["{0} 是别的村的，不能签这份内容。", "{0} belongs to another village and cannot sign this."],
  bad_signature_recused: ["{0} 自家有分摊，应当回避，不能签。", "{0} has a share in it and is recused."],
  bad_signature_twice: ["{0} 一个人签了两次。", "{0} signed twice."],
  bad_signature_missing: ["签字不全：缺水管所或村社干部的签字。", "Signatures are missing: station and cadre must both have signed."],
  bad_shown: ["本页显示的数字与所签的内容不同。{0}：本页写 {1}，记录里是 {2}。", "This page does not show what was signed. {0}: the page says {1}, the log {2}."],
  bad_shown_more: ["另有 {0} 处不同。", "{0} more differ."],
  forget_when: ["如果另有缘故", "If there is a reason"],
  forget_words: ["只有用别的办法（打电话问监督员，对照纸质凭证）弄清了原因，才可以忘掉以前记住的，从现在的记录重新开始。", "Only once you know the reason from elsewhere (a supervisor on the telephone, a receipt on paper), forget what this browser remembers and begin anew with the log as it is."],
  forget: ["忘掉以前记住的", "Forget what is remembered"],
  remembered: ["这个浏览器记住的：{0} 条，根 {1}，钥匙 {2}", "This browser remembers: {0} entries, root {1}, key {2}"],
  copy: ["复制", "Copy"],
  copied: ["已复制", "Copied"],
};

/** A function that says a text of the table in a language. */
export const speaker = speakerOf(TEXTS);
