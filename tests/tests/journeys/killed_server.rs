//! The server dies at any moment, again and again, while a fleet reports and people post: nothing that it
//! acknowledged is missing, nothing counts twice, and the log is one history.

mod books;
mod history;
mod poster;

use std::path::PathBuf;

use crate::harness::{Dice, Mosquitto, Postgres, Program, free_port, wait_for};
use crate::township::{Server, Township, audit_holds};

use books::{Acknowledgement, Books};
use poster::Poster;

const METERS: u32 = 60;
const REPORTS_PER_METER: u32 = 60;
const KILLS: usize = 6;
/// After which kill of the server the broker is killed, where there is one.
const BROKER_DIES_AFTER: usize = 2;
/// Ledger entries between two kills: at least this many, and up to as many again.
const ENTRIES_BETWEEN_KILLS: usize = 500;

/// What goes wrong on the way beside the kills, and how fast the fleet is.
const FLEET_FLAGS: [&str; 14] = [
    "--rate",
    "400",
    "--resend-ms",
    "400",
    "--drop-permille",
    "30",
    "--duplicate-permille",
    "50",
    "--reorder-permille",
    "50",
    "--delay-permille",
    "20",
    "--reboot-permille",
    "10",
];

struct Journey {
    township: Township,
    server: Server,
    broker: Option<Mosquitto>,
    database: String,
    ledger: PathBuf,
    dice: Dice,
}

impl Journey {
    fn new(seed: u64, server: Server, broker: Option<Mosquitto>, database: Option<String>) -> Self {
        let township = Township::prepare(METERS);
        let own = format!("sqlite:{}", township.data().join("mingqu.db").display());
        let ledger = township.file("ledger.jsonl");
        let dice = Dice::new(seed);
        Self { server, broker, database: database.unwrap_or(own), ledger, dice, township }
    }

    /// What the fleet's own books promise of the store: at the endpoint a PUBACK is the server's word; behind a
    /// broker it is the broker's, and the server's is the receipt.
    fn promise(&self) -> Acknowledgement {
        match self.broker {
            None => Acknowledgement::Puback,
            Some(_) => Acknowledgement::Receipt,
        }
    }

    fn entries_booked(&self) -> usize {
        std::fs::read_to_string(&self.ledger).unwrap_or_default().lines().count()
    }

    fn walk(mut self) {
        let mut life = self.server.start(&self.township.data());
        self.township.found(&life.site);
        let founding = history::size(&life.site);
        let poster = Poster::start(&self.township, &life.site, &self.ledger);
        let ledger = self.ledger.to_str().unwrap().to_owned();
        let mut flags = vec!["--ledger", &ledger];
        flags.extend(FLEET_FLAGS);
        let fleet =
            Program::start(&mut self.township.fleet(&self.server, REPORTS_PER_METER, &flags));
        let mut promised = Vec::new();
        for kill in 0..KILLS {
            let moment = self.entries_booked()
                + ENTRIES_BETWEEN_KILLS
                + self.dice.roll(ENTRIES_BETWEEN_KILLS);
            wait_for("the fleet to get on", || (self.entries_booked() >= moment).then_some(()));
            life.program.kill();
            let books = Books::open(&self.ledger);
            promised.push(books.promised(self.promise()));
            if kill % 2 == 0 {
                // At every other kill the server itself is the first to open what the last one left.
                books.compare(self.promise(), &self.database, METERS);
            }
            life = self.server.start(&self.township.data());
            poster.moved_to(&life.site);
            if kill == BROKER_DIES_AFTER
                && let Some(broker) = &mut self.broker
            {
                broker.kill_and_restart();
            }
        }
        let sums = fleet.finish().ended_with(0).json();
        let all = usize::try_from(METERS * REPORTS_PER_METER).unwrap();
        assert_eq!(
            (sums["published"].clone(), sums["receipted"].clone()),
            (all.into(), all.into())
        );
        let done = poster.stop();
        history::is_one(&life.site, &done.checkpoints);
        assert_eq!(history::size(&life.site), founding + done.statements, "each statement once");
        let status = life.site.get("/api/v1/status").answered(200).json();
        assert_eq!(status["stored_reports"], all);
        assert_eq!(status["quarantine"], serde_json::json!({}));
        life.stop();
        let books = Books::open(&self.ledger);
        assert_eq!(books.promised(Acknowledgement::Receipt), all);
        books.compare(Acknowledgement::Receipt, &self.database, METERS);
        books.compare(Acknowledgement::Puback, &self.database, METERS);
        audit_holds(&self.township.export(&self.server.flags()));
        println!(
            "{KILLS} kills with {promised:?} of {all} reports promised before each; {} statements posted, \
             {} checkpoints, one history",
            done.statements,
            done.checkpoints.len()
        );
    }
}

#[test]
fn at_the_endpoint_on_sqlite() {
    Journey::new(1, Server::with_endpoint(free_port()), None, None).walk();
}

#[test]
fn behind_a_broker_that_dies_too_on_sqlite() {
    let broker = Mosquitto::start();
    let server = Server::with_broker(broker.address());
    Journey::new(2, server, Some(broker), None).walk();
}

#[test]
fn at_the_endpoint_on_postgresql() {
    let postgres = Postgres::start();
    let database = postgres.database("qinghe");
    let server = Server::with_endpoint(free_port()).over(&database);
    Journey::new(3, server, None, Some(database)).walk();
}
