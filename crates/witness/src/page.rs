//! What a witness shows of itself: in plain words, and as figures.

use std::fmt::Write as _;

use crate::witness::{LogStatus, Witness};

const SECONDS_PER_MINUTE: u64 = 60;

/// The page for people, Chinese and English side by side.
pub(crate) fn words(witness: &Witness) -> String {
    let key = witness.verifier_key();
    let mut text = format!(
        "见证人 · Witness {}\n\n\
         见证人核对公开账只增不改，再会签其检查点。\n\
         A witness checks that a public log only grows, then cosigns its checkpoint.\n\n\
         验证公钥 · verifier key\n  {key}\n",
        key.name()
    );
    let now = witness.now();
    for status in witness.status() {
        let LogStatus { origin, size, root, cosigned_at, refused, last_refusal } = status;
        // Writing to a String never fails.
        let _ = write!(text, "\n{origin}\n");
        let _ = match (root, cosigned_at) {
            (Some(root), Some(at)) => {
                let minutes = now.saturating_sub(at) / SECONDS_PER_MINUTE;
                writeln!(
                    text,
                    "  已会签 {size} 条, {minutes} 分钟前 · cosigned {size} entries, {minutes} min ago\n  根 · root {root}"
                )
            }
            _ => writeln!(text, "  尚未会签 · nothing cosigned yet"),
        };
        if let Some(reason) = last_refusal {
            let _ = writeln!(
                text,
                "  启动以来拒绝 {refused} 次 · refused {refused} since the start; the last: {reason}"
            );
        }
    }
    text
}

/// The figures, in the text format of Prometheus.
pub(crate) fn metrics(witness: &Witness) -> String {
    let logs = witness.status();
    let mut text = String::new();
    let mut family = |name: &str, help: &str, kind: &str, value: fn(&LogStatus) -> Option<u64>| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for log in &logs {
            // A key name has no control characters.
            let origin = log.origin.replace('\\', r"\\").replace('"', "\\\"");
            if let Some(value) = value(log) {
                let _ = writeln!(text, "{name}{{origin=\"{origin}\"}} {value}");
            }
        }
    };
    family(
        "mingqu_witness_cosigned_entries",
        "Entries of the log that were cosigned.",
        "gauge",
        |log| Some(log.size),
    );
    family(
        "mingqu_witness_cosigned_at_seconds",
        "When the log was last cosigned, in Unix seconds.",
        "gauge",
        |log| log.cosigned_at,
    );
    family(
        "mingqu_witness_refused_total",
        "Checkpoints that the log signed and this witness refused since its start.",
        "counter",
        |log| Some(log.refused),
    );
    text
}
