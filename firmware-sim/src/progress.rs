//! How far a scenario is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Result;
use firmware_sim::Uplink;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// How often a terminal is told.
const TERMINAL_PAUSE: Duration = Duration::from_millis(200);
/// How often a log is told.
const LOG_PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Progress {
    bar: ProgressBar,
    pause: Duration,
    last: Instant,
    start_ms: i64,
}

impl Progress {
    /// Of a scenario that begins and ends at these times.
    pub(crate) fn new(start_ms: i64, end_ms: i64) -> Result<Self> {
        let bar = ProgressBar::new(end_ms.abs_diff(start_ms));
        bar.set_style(ProgressStyle::with_template(
            "{elapsed_precise} [{bar:30}] {percent:>3} %  {msg}",
        )?);
        let terminal = io::stderr().is_terminal();
        let pause = if terminal { TERMINAL_PAUSE } else { LOG_PAUSE };
        Ok(Self { bar, pause, last: Instant::now(), start_ms })
    }

    /// How often it is worth telling.
    pub(crate) const fn pause(&self) -> Duration {
        self.pause
    }

    /// Says where the scenario and its reports are, unless that was said just now.
    pub(crate) fn tell(&mut self, now_ms: i64, uplink: &Uplink) {
        if self.last.elapsed() < self.pause {
            return;
        }
        self.last = Instant::now();
        let (connected, outstanding, sums) =
            (uplink.connected(), uplink.outstanding(), uplink.summary());
        let receipted = sums.receipted;
        if self.bar.is_hidden() {
            let simulated_s = (now_ms - self.start_ms) / 1000;
            tracing::info!(simulated_s, connected, outstanding, receipted, "the field lives on");
        } else {
            self.bar.set_position(now_ms.abs_diff(self.start_ms));
            self.bar.set_message(format!(
                "{receipted} reports receipted, {outstanding} outstanding, {connected} connections"
            ));
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
