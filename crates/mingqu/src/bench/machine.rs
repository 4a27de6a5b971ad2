//! On what was measured.

use super::fleet::cores;
use super::process::{installed_mosquitto, version_of};

/// Processor, cores, system and the versions of what took part, for the head of the report.
pub fn description(python: Option<&str>) -> String {
    let processor =
        read("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = read("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned());
    let system = version_of("uname", "-sr").unwrap_or_else(|| std::env::consts::OS.to_owned());
    let mosquitto = installed_mosquitto().map_or("no mosquitto".to_owned(), |(_, version)| version);
    let python = python.and_then(|python| version_of(python, "--version"));
    let python = python.unwrap_or_else(|| "no Python".to_owned());
    format!(
        "{} cores, {processor}, {memory} memory, {system}\nmingqu {}, {mosquitto}, {python}",
        cores(),
        env!("CARGO_PKG_VERSION"),
    )
}

/// The first value of a field in a file of `name : value` lines.
fn read(file: &str, field: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value =
        text.lines().find_map(|line| line.strip_prefix(field)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}
