//! Where the processor's time goes while something is measured.

use std::time::Duration;

use super::process::Process;
use super::row::Row;
use super::statistics::float;

/// In which Linux counts processor time, whatever the machine (`USER_HZ`).
const TICKS_PER_SECOND: u32 = 100;

/// Processes whose time is counted from now on, with what each is called.
pub struct Expense(Vec<(&'static str, u32, Option<Duration>)>);

impl Expense {
    /// Of the benchmark itself, which is the load, and of these.
    pub fn of<'a>(processes: impl IntoIterator<Item = (&'static str, &'a Process)>) -> Self {
        let others = processes.into_iter().map(|(name, process)| (name, process.id()));
        let all = others.chain([("the load", std::process::id())]);
        Self(all.map(|(name, id)| (name, id, processor_time(id))).collect())
    }

    /// What each has used since for one of so many messages.
    pub fn rows(&self, name: &str, messages: usize) -> Vec<Row> {
        let row = |(of, id, before): &(&str, u32, Option<Duration>)| {
            let used = before
                .zip(processor_time(*id))
                .map(|(before, after)| after.saturating_sub(before).as_secs_f64() * 1e6);
            let each = used.map(|used| used / float(messages));
            Row::new(format!("{name}, processor time of {of}"), each, "µs/message")
        };
        self.0.iter().map(row).collect()
    }
}

/// Processor time that a process has used so far; `None` where /proc does not say.
fn processor_time(id: u32) -> Option<Duration> {
    time_in(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// User and system time in /proc/PID/stat, which stand behind the program's name in brackets.
fn time_in(stat: &str) -> Option<Duration> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some(Duration::from_secs(ticks.into()) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_time_as_linux_writes_it() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(time_in(stat), Some(Duration::from_secs(2)));
        assert_eq!(time_in("7 (a"), None);
    }

    #[test]
    fn a_process_that_is_gone_cost_nobody_knows_what() {
        let gone = Expense(vec![("it", u32::MAX, Some(Duration::ZERO))]);
        assert_eq!(gone.rows("x", 5), [Row::new("x, processor time of it", None, "µs/message")]);
    }
}
