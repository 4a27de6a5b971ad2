//! What the MQTT side has counted, as figures for `/metrics`.

use mqtt::Counts;
use web::Metrics;

/// Writes the totals since the start of this server.
pub fn write(counts: &Counts, metrics: &mut Metrics) {
    let mut counter = |name, help, value| metrics.counter(name, help, value);
    counter("mingqu_mqtt_received_total", "Messages on report topics.", counts.received);
    counter(
        "mingqu_mqtt_stored_total",
        "Of those, stored as reports or in the quarantine, and acknowledged.",
        counts.acknowledged,
    );
    counter(
        "mingqu_mqtt_failed_batches_total",
        "Attempts to store a batch that failed; each batch is tried again.",
        counts.failed_batches,
    );
    counter(
        "mingqu_mqtt_receipts_total",
        "Receipts written to meters or to the broker.",
        counts.receipts,
    );
    counter(
        "mingqu_mqtt_dropped_receipts_total",
        "Receipts that nobody took; the meter sends its report again.",
        counts.dropped_receipts,
    );
    counter(
        "mingqu_mqtt_connections_total",
        "Connections of meters to this server.",
        counts.connections,
    );
    counter(
        "mingqu_mqtt_broker_connections_total",
        "Connections of this server to the broker.",
        counts.broker_connections,
    );
    counter(
        "mingqu_mqtt_stale_acknowledgements_total",
        "Acknowledgements that came too late for their connection to the broker.",
        counts.stale_acknowledgements,
    );
    metrics.gauge(
        "mingqu_mqtt_open_connections",
        "Meters that are connected to this server.",
        counts.open_connections,
    );
    metrics.counters(
        "mingqu_mqtt_refused_total",
        "Messages, packets and connections that were refused.",
        "reason",
        counts.refused.iter().map(|(reason, count)| (reason.name(), *count)),
    );
    metrics.counters(
        "mingqu_mqtt_ignored_total",
        "Foreign messages in order that carry no reading.",
        "kind",
        counts.ignored.iter().map(|(kind, count)| (kind.name(), *count)),
    );
    metrics.times(
        "mingqu_mqtt_batch_seconds",
        "How long the database took for a batch of reports.",
        &counts.batch_classes,
        counts.batches,
        counts.batch_micros,
    );
}

#[cfg(test)]
mod tests {
    use mqtt::{Counters, Refusal};

    use super::*;

    #[test]
    fn the_page_of_the_api_names_every_figure_and_every_reason() {
        let mut metrics = Metrics::default();
        write(&Counters::default().counts(), &mut metrics);
        let documented = include_str!("../../../docs/formats/api.md");
        let names = metrics.text().lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = names.filter_map(|of| of.split(' ').next());
        for name in names.chain(Refusal::ALL.map(Refusal::name)) {
            assert!(documented.contains(&format!("`{name}`")), "{name}");
        }
        assert!(metrics.text().contains("mingqu_mqtt_refused_total{reason=\"topic\"} 0\n"));
        assert!(metrics.text().contains("mingqu_mqtt_batch_seconds_bucket{le=\"+Inf\"} 0\n"));
    }
}
