//! `/metrics`: figures in the text format that Prometheus reads (exposition format 0.0.4).

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service::board::AlarmKind;
use service::{DeviceState, QuarantineReason, Service, ServiceError, board};

use crate::site::Site;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes the figures that other parts of the server have, such as its MQTT side.
#[derive(Clone)]
pub struct MetricsSource(Arc<dyn Fn(&mut Metrics) + Send + Sync>);

impl MetricsSource {
    /// A source that is asked at each look.
    pub fn new(write: impl Fn(&mut Metrics) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }
}

impl Default for MetricsSource {
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for MetricsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsSource").finish_non_exhaustive()
    }
}

/// Figures on their way into the text. Names and help texts are plain words of ours; values of labels may be anything.
#[derive(Debug, Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// A total that only grows; its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(name, None, value);
    }

    /// Totals that one label tells apart.
    pub fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, help, "counter");
        for (of, value) in values {
            self.line(name, Some((label, of)), value);
        }
    }

    /// A value that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(name, None, value);
    }

    /// Values that one label tells apart.
    pub fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, help, "gauge");
        for (of, value) in values {
            self.line(name, Some((label, of)), value);
        }
    }

    /// Times by class: how many took at most so many milliseconds, how many there are, and their sum in microseconds.
    /// The text says seconds; the name ends in `_seconds`.
    pub fn times(
        &mut self,
        name: &str,
        help: &str,
        classes_millis: &[(u64, u64)],
        count: u64,
        sum_micros: u64,
    ) {
        self.head(name, help, "histogram");
        let bucket = format!("{name}_bucket");
        for (bound, within) in classes_millis {
            let bound = format!("{}.{:03}", bound / 1_000, bound % 1_000);
            self.line(&bucket, Some(("le", &bound)), within);
        }
        self.line(&bucket, Some(("le", "+Inf")), count);
        let sum = format!("{}.{:06}", sum_micros / 1_000_000, sum_micros % 1_000_000);
        self.line(&format!("{name}_sum"), None, sum);
        self.line(&format!("{name}_count"), None, count);
    }

    /// What was written so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String never fails.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _ = match label {
            None => writeln!(self.text, "{name} {value}"),
            Some((label, of)) => {
                let of = of.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
                writeln!(self.text, "{name}{{{label}=\"{of}\"}} {value}")
            }
        };
    }
}

pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/metrics", get(show))
}

async fn show(State(site): State<Site>) -> Response {
    let mut metrics = Metrics::default();
    let read = from_store(&site.service, &mut metrics).await;
    if let Err(error) = &read {
        tracing::warn!(%error, "the database does not answer");
    }
    let up = u64::from(read.is_ok());
    metrics.gauge("mingqu_database_up", "Whether the database answers.", up);
    let statuses = site.service.statuses();
    let states = [("online", DeviceState::Online), ("offline", DeviceState::Offline)]
        .map(|(name, state)| (name, u64::try_from(statuses.count(state)).unwrap_or(u64::MAX)));
    metrics.gauges("mingqu_meters", "Meters by what they say of themselves.", "status", states);
    let foreign = site.service.foreign_counts();
    metrics.counters(
        "mingqu_foreign_readings_total",
        "Readings of devices that do not sign: part of a report now, or stored before and dropped.",
        "outcome",
        [("stored", foreign.stored), ("repeated", foreign.repeated)],
    );
    from_witnesses(&site.service, &mut metrics);
    let MetricsSource(write) = &site.config.metrics;
    write(&mut metrics);
    ([(CONTENT_TYPE, TEXT_FORMAT)], metrics.text).into_response()
}

/// What the database holds; nothing is written unless all of it could be read.
async fn from_store(service: &Service, metrics: &mut Metrics) -> Result<(), ServiceError> {
    let board::Status { log_size, unpublished, stored_reports, quarantine, .. } =
        board::status(service).await?;
    metrics.gauge("mingqu_log_entries", "Entries of the published log.", log_size);
    let help = "Posted entries that wait for witnesses before they are published.";
    metrics.gauge("mingqu_log_unpublished_entries", help, unpublished);
    let help = "Reports on disk, of all servers of the district.";
    metrics.counter("mingqu_stored_reports_total", help, stored_reports);
    let known = QuarantineReason::all().map(|reason| (reason.code(), 0));
    let reasons = known.into_iter().filter(|(reason, _)| !quarantine.contains_key(*reason));
    let counted = quarantine.iter().map(|(reason, count)| (reason.as_str(), *count));
    metrics.counters(
        "mingqu_quarantined_messages_total",
        "Messages that were refused and kept apart, of all servers of the district.",
        "reason",
        reasons.chain(counted),
    );
    let alarms = board::alarm_counts(service).await?;
    let open = |kind| alarms.iter().find(|count| count.kind == kind).map_or(0, |count| count.open);
    metrics.gauges(
        "mingqu_open_alarms",
        "Open alarms by kind, of all servers of the district.",
        "kind",
        AlarmKind::ALL.map(|kind| (kind.code(), open(kind))),
    );
    Ok(())
}

/// What this server knows of the log's witnesses; nothing where it has none.
fn from_witnesses(service: &Service, metrics: &mut Metrics) {
    let Some(witnesses) = service.witnesses() else { return };
    let known = witnesses.status();
    metrics.gauges(
        "mingqu_witness_cosigned",
        "Entries of the log that a witness has cosigned, as far as this server knows.",
        "witness",
        known.iter().map(|witness| (witness.name.as_str(), witness.cosigned.unwrap_or(0))),
    );
    let answered = |witness: &service::WitnessStatus| {
        u64::from(witness.asked_at.is_some() && witness.failure.is_none())
    };
    metrics.gauges(
        "mingqu_witness_up",
        "Whether a witness cosigned when it was last asked.",
        "witness",
        known.iter().map(|witness| (witness.name.as_str(), answered(witness))),
    );
    let contradicted = u64::from(witnesses.contradiction().is_some());
    let help = "Whether a witness holds another history of the log; nothing is posted then.";
    metrics.gauge("mingqu_witness_contradiction", help, contradicted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn tells_what_the_district_took_in_and_refused() {
        let town = Town::busy().await;
        let answer = page(&town.router, "/metrics").await;
        assert_eq!(answer.header("content-type"), TEXT_FORMAT);
        answer.shows(&[
            "# HELP mingqu_log_entries Entries of the published log.\n# TYPE mingqu_log_entries gauge\nmingqu_log_entries 10\n",
            "\n# TYPE mingqu_stored_reports_total counter\nmingqu_stored_reports_total 24\n",
            "mingqu_quarantined_messages_total{reason=\"malformed\"} 1\n",
            "mingqu_quarantined_messages_total{reason=\"bad-signature\"} 0\n",
            "mingqu_open_alarms{kind=\"tamper\"} 0\n",
            "mingqu_database_up 1\n",
            "mingqu_meters{status=\"online\"} 0\n",
        ]);
    }

    #[tokio::test]
    async fn every_figure_stands_there_once_and_in_the_format() {
        let town = Town::busy().await;
        let answer = page(&town.router, "/metrics").await;
        let mut seen = std::collections::BTreeSet::new();
        for line in answer.text().lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(name), "{name} stands there twice");
            assert!(name.starts_with("mingqu_"), "{name}");
            value.parse::<u64>().unwrap();
        }
    }

    #[tokio::test]
    async fn still_tells_the_rest_when_the_database_is_away() {
        let town = Town::empty().await;
        town.service.store().close().await;
        let answer = get(&town.router, "/metrics").await;
        assert_eq!(answer.status, 200);
        answer.shows(&["mingqu_database_up 0\n", "mingqu_meters{status=\"offline\"} 0\n"]);
        assert!(!answer.text().contains("mingqu_log_entries"));
    }

    #[tokio::test]
    async fn the_page_of_the_api_names_every_figure() {
        let town = Town::busy().await;
        let documented = include_str!("../../../docs/formats/api.md");
        for line in page(&town.router, "/metrics").await.text().lines() {
            if let Some(of) = line.strip_prefix("# TYPE ") {
                let name = of.split(' ').next().unwrap();
                assert!(documented.contains(&format!("`{name}`")), "{name}");
            }
        }
    }

    #[test]
    fn times_are_in_seconds_and_their_last_class_has_no_bound() {
        let mut metrics = Metrics::default();
        metrics.times("t_seconds", "Times.", &[(5, 1), (1_500, 3)], 4, 12_000_345);
        let lines = [
            "# HELP t_seconds Times.",
            "# TYPE t_seconds histogram",
            "t_seconds_bucket{le=\"0.005\"} 1",
            "t_seconds_bucket{le=\"1.500\"} 3",
            "t_seconds_bucket{le=\"+Inf\"} 4",
            "t_seconds_sum 12.000345",
            "t_seconds_count 4\n",
        ];
        assert_eq!(metrics.text, lines.join("\n"));
    }

    #[test]
    fn what_a_label_says_cannot_break_out_of_it() {
        let mut metrics = Metrics::default();
        metrics.counters("c_total", "C.", "of", [("a\"} 9\n\\", 1)]);
        assert!(metrics.text.ends_with("c_total{of=\"a\\\"} 9\\n\\\\\"} 1\n"), "{}", metrics.text);
    }
}
