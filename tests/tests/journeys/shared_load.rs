//! Two servers share the reports of one broker over one database, and one of them dies while a fleet reports: each took
//! its part, every report is stored once, and every meter has its receipts.

use serde_json::json;

use crate::harness::{Mosquitto, Postgres, Program, Site, wait_for};
use crate::township::{Server, Township};

const METERS: u32 = 20;
const REPORTS_PER_METER: u32 = 60;
/// How much each server has stored when one dies.
const PART: u64 = 100;
const FLEET_FLAGS: [&str; 4] = ["--rate", "200", "--resend-ms", "400"];

/// A figure of `/metrics`.
fn figure(site: &Site, name: &str) -> u64 {
    let metrics = site.get("/metrics").answered(200).text();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is missing: {metrics}")).parse().unwrap()
}

#[test]
fn one_of_two_servers_dies_and_the_other_carries_on() {
    let township = Township::prepare(METERS);
    let postgres = Postgres::start();
    let database = postgres.database("qinghe");
    let broker = Mosquitto::start();
    let server = |id| Server::with_broker(broker.address()).over(&database).sharing(id);
    let first = server("mingqu-1").start(&township.data());
    township.found(&first.site);
    let second = server("mingqu-2").start(&township.another_data());

    let stored = |site: &Site| figure(site, "mingqu_mqtt_stored_total");
    let meters = Server::with_broker(broker.address());
    let fleet = Program::start(&mut township.fleet(&meters, REPORTS_PER_METER, &FLEET_FLAGS));
    wait_for("both servers to take their part", || {
        (stored(&first.site) >= PART && stored(&second.site) >= PART).then_some(())
    });
    first.program.kill();

    let sums = fleet.finish().ended_with(0).json();
    let all = METERS * REPORTS_PER_METER;
    assert_eq!((&sums["published"], &sums["receipted"]), (&json!(all), &json!(all)));
    let status = second.site.get("/api/v1/status").answered(200).json();
    assert_eq!((&status["stored_reports"], &status["quarantine"]), (&json!(all), &json!({})));
    assert_eq!(figure(&second.site, "mingqu_stored_reports_total"), u64::from(all));
    assert_eq!(figure(&second.site, "mingqu_mqtt_broker_connections_total"), 1);
    second.stop();
}
