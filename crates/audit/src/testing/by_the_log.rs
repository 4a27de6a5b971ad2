//! What the sample log says by itself.

use disclosure::dsse::Envelope;
use disclosure::statement::{
    BALANCE_MEDIA_TYPE, Balance, Head, LastReport, OutletBalance, Overdue, Role, Statement,
    Waiting, balances_to_lines,
};
use domain::{Litres, MeterCode, OutletId};

use super::{Person, TestLog, id};

impl TestLog {
    /// The log as the one who signs what nobody else has to.
    pub fn itself(&self) -> Person {
        Person { key: self.key.clone(), ..Person::new("log", Role::Log, None, 0) }
    }

    /// A head of what the log says at `drafted_at`.
    pub fn own_head(&self, drafted_at: &str) -> Head {
        Head { drafted_at: id(drafted_at), ..Self::head(&[&self.itself()]) }
    }

    /// What an honest server posts at `now` of an envelope that lacks signatures.
    pub fn overdue(&self, waiting: &Envelope, now: &str) -> Overdue {
        let statement = Statement::parse(&waiting.payload_type, &waiting.payload).unwrap();
        let standing = self.record.judge(waiting, &statement).unwrap();
        let asked = self.record.asked(statement.head(), &standing);
        let waits = Waiting::of(statement).unwrap();
        Overdue {
            head: self.own_head(now),
            due_at: self.record.due_at(&waits).unwrap(),
            waiting: waits,
            signatures: waiting.signatures.clone(),
            asked,
        }
    }

    /// A day on which east's meter got to a report and gave so much, and west's said nothing.
    pub fn day(&mut self, until: &str, report: u64, litres: i64) -> Balance {
        let east = LastReport { meter: id::<MeterCode>("me1"), report };
        let outlet =
            |code, litres, meters| OutletBalance { outlet: id::<OutletId>(code), litres, meters };
        let entries =
            [outlet("e1", Some(Litres(litres)), vec![east]), outlet("w1", None, Vec::new())];
        self.balance(until, &entries)
    }

    /// Posts the balances of these days.
    pub fn post_days(&mut self, days: &[&str]) {
        for day in days {
            let balance = Statement::Balance(self.day(day, 3, 1200));
            let envelope = self.seal_own(&balance);
            self.post(&envelope);
        }
    }

    /// A balance with these lines.
    pub fn balance(&mut self, until: &str, entries: &[OutletBalance]) -> Balance {
        let lines = balances_to_lines(entries).unwrap();
        Balance {
            head: self.own_head(until),
            until: id(until),
            outlets: entries.len().try_into().unwrap(),
            entries: self.attach(BALANCE_MEDIA_TYPE, lines),
        }
    }

    /// Seals what the log says.
    pub fn seal_own(&self, statement: &Statement) -> Envelope {
        Self::seal(statement, &[&self.itself()])
    }
}
