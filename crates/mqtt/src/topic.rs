//! Topic names: `mingqu/v1/{district}/{meter}/report|status|stored|command`.
//!
//! What a meter sends (`report`, `status`) is told apart from what it receives (`stored`, `command`); nothing else is
//! spoken. See MQTT 5.0 §4.7 for topic names and filters.

use std::sync::Arc;

use telemetry::MeterId;
use thiserror::Error;

use crate::adapter::Adapters;

/// The longest topic name or filter that is looked at, in bytes of UTF-8.
pub const MAX_TOPIC_BYTES: usize = 256;

const MAX_DISTRICT_BYTES: usize = 32;
const PREFIX: &str = "mingqu/v1/";

/// The topics of one district.
#[derive(Debug, Clone)]
pub struct Topics {
    /// `mingqu/v1/{district}/`
    prefix: String,
    adapters: Arc<Adapters>,
}

/// What a published message claims to be, judged by its topic alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A report. The meter's segment is not checked, and the district may be another one: a message that somebody
    /// meant as a report goes to the quarantine with its reason rather than into nothing.
    Report {
        /// The meter segment as it stands in the topic.
        meter: &'a str,
    },
    /// The device status of a meter of this district.
    Status {
        /// The meter.
        meter: MeterId,
    },
    /// A message that an adapter reads.
    Foreign,
}

/// A subscription that a meter may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Receipts of one meter.
    Stored(MeterId),
    /// Receipts of all meters of the district.
    EveryStored,
    /// Commands for one meter.
    Command(MeterId),
    /// Commands for all meters of the district.
    EveryCommand,
}

/// Why a topic or a filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TopicError {
    /// The district cannot stand in a topic.
    #[error(
        "a district in a topic has a character or a length that is not allowed: use 1 to {MAX_DISTRICT_BYTES} of a-z, 0-9 and '-', starting with a letter or digit"
    )]
    District,
    /// The topic is longer than [`MAX_TOPIC_BYTES`].
    #[error("the topic is too long: use at most {MAX_TOPIC_BYTES} bytes")]
    TooLong,
    /// The topic has a wildcard or a control character.
    #[error("the topic has a wildcard or a control character: publish to a plain topic name")]
    Character,
    /// The topic is not one that a meter publishes to.
    #[error(
        "no such topic: publish to mingqu/v1/<district>/<meter>/report or mingqu/v1/<district>/<meter>/status"
    )]
    Unknown,
    /// A last will that is no device status.
    #[error("a last will is a device status: publish it to mingqu/v1/<district>/<meter>/status")]
    Will,
    /// The status is of another district.
    #[error(
        "the status is of another district: publish it below the district that this server serves"
    )]
    OtherDistrict,
    /// The meter's segment of a status topic or a filter is not a meter id.
    #[error("the meter in the topic is not a meter id: use 1 to 32 of a-z, 0-9 and '-'")]
    Meter,
    /// The filter is not one that a meter may subscribe to.
    #[error(
        "no such subscription: use mingqu/v1/<district>/<meter or +>/stored or mingqu/v1/<district>/<meter or +>/command"
    )]
    Filter,
}

impl Topics {
    /// The topics of a district; fails if the district's code cannot stand in a topic.
    pub fn new(district: &str) -> Result<Self, TopicError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if district.is_empty()
            || district.len() > MAX_DISTRICT_BYTES
            || district.starts_with('-')
            || !district.bytes().all(allowed)
        {
            return Err(TopicError::District);
        }
        Ok(Self { prefix: format!("{PREFIX}{district}/"), adapters: Arc::default() })
    }

    /// Takes in what these adapters listen to as well.
    #[must_use]
    pub fn with_adapters(self, adapters: Adapters) -> Self {
        Self { adapters: Arc::new(adapters), ..self }
    }

    pub(crate) fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    /// Where a meter's reports go.
    pub fn report(&self, meter: &MeterId) -> String {
        format!("{}{meter}/report", self.prefix)
    }

    /// Where a meter's status stands.
    pub fn status(&self, meter: &MeterId) -> String {
        format!("{}{meter}/status", self.prefix)
    }

    /// Where a meter's receipts go.
    pub fn stored(&self, meter: &MeterId) -> String {
        format!("{}{meter}/stored", self.prefix)
    }

    /// Where a meter's commands go.
    pub fn command(&self, meter: &MeterId) -> String {
        format!("{}{meter}/command", self.prefix)
    }

    /// The filter that matches the reports of all meters of the district.
    pub fn every_report(&self) -> String {
        format!("{}+/report", self.prefix)
    }

    /// The filter that matches the statuses of all meters of the district.
    pub fn every_status(&self) -> String {
        format!("{}+/status", self.prefix)
    }

    /// Reads the topic name of a published message.
    pub fn incoming<'a>(&self, topic: &'a str) -> Result<Incoming<'a>, TopicError> {
        if topic.len() > MAX_TOPIC_BYTES {
            return Err(TopicError::TooLong);
        }
        if topic.contains(|c: char| c == '+' || c == '#' || c.is_control()) {
            return Err(TopicError::Character);
        }
        let Some((district, meter, leaf)) = segments(topic) else {
            let listened = self.adapters.listen_to(topic);
            return if listened { Ok(Incoming::Foreign) } else { Err(TopicError::Unknown) };
        };
        match leaf {
            "report" => Ok(Incoming::Report { meter }),
            "status" if !self.is_own(district) => Err(TopicError::OtherDistrict),
            "status" => Ok(Incoming::Status { meter: meter_id(meter)? }),
            _ => Err(TopicError::Unknown),
        }
    }

    /// Reads a filter that a meter subscribes to.
    pub fn filter(&self, filter: &str) -> Result<Filter, TopicError> {
        if filter.len() > MAX_TOPIC_BYTES {
            return Err(TopicError::TooLong);
        }
        let (district, meter, leaf) = segments(filter).ok_or(TopicError::Filter)?;
        if !self.is_own(district) {
            return Err(TopicError::Filter);
        }
        match (leaf, meter) {
            ("stored", "+") => Ok(Filter::EveryStored),
            ("stored", meter) => Ok(Filter::Stored(meter_id(meter)?)),
            ("command", "+") => Ok(Filter::EveryCommand),
            ("command", meter) => Ok(Filter::Command(meter_id(meter)?)),
            _ => Err(TopicError::Filter),
        }
    }

    fn is_own(&self, district: &str) -> bool {
        self.prefix.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix('/')) == Some(district)
    }
}

/// District, meter and leaf of `mingqu/v1/{district}/{meter}/{leaf}`.
fn segments(topic: &str) -> Option<(&str, &str, &str)> {
    let mut rest = topic.strip_prefix(PREFIX)?.split('/');
    let found = (rest.next()?, rest.next()?, rest.next()?);
    rest.next().is_none().then_some(found)
}

fn meter_id(segment: &str) -> Result<MeterId, TopicError> {
    MeterId::new(segment).map_err(|_| TopicError::Meter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        Topics::new("huangyang").unwrap()
    }

    fn meter() -> MeterId {
        MeterId::new("m-0042").unwrap()
    }

    #[test]
    fn builds_and_reads_the_four_topics() {
        let (topics, meter) = (topics(), meter());
        assert_eq!(topics.report(&meter), "mingqu/v1/huangyang/m-0042/report");
        assert_eq!(
            topics.incoming(&topics.report(&meter)),
            Ok(Incoming::Report { meter: "m-0042" })
        );
        assert_eq!(
            topics.incoming(&topics.status(&meter)),
            Ok(Incoming::Status { meter: meter.clone() })
        );
        assert_eq!(topics.filter(&topics.stored(&meter)), Ok(Filter::Stored(meter.clone())));
        assert_eq!(topics.filter(&topics.command(&meter)), Ok(Filter::Command(meter)));
        assert_eq!(topics.filter("mingqu/v1/huangyang/+/stored"), Ok(Filter::EveryStored));
        assert_eq!(topics.filter("mingqu/v1/huangyang/+/command"), Ok(Filter::EveryCommand));
    }

    #[test]
    fn hands_on_a_misplaced_report_for_the_quarantine() {
        let read = |topic| topics().incoming(topic).map(|incoming| format!("{incoming:?}"));
        assert_eq!(
            read("mingqu/v1/elsewhere/m-0042/report").unwrap(),
            r#"Report { meter: "m-0042" }"#
        );
        assert_eq!(read("mingqu/v1/huangyang/M 42/report").unwrap(), r#"Report { meter: "M 42" }"#);
        assert_eq!(read("mingqu/v1/huangyang//report").unwrap(), r#"Report { meter: "" }"#);
    }

    #[test]
    fn rejects_a_district_that_cannot_stand_in_a_topic() {
        for district in ["", "a/b", "a+", "#", "Upper", "-a", &"a".repeat(33)] {
            assert_eq!(Topics::new(district).err(), Some(TopicError::District), "{district:?}");
        }
    }

    #[test]
    fn rejects_a_topic_that_is_too_long() {
        let topic = format!("mingqu/v1/huangyang/{}/report", "m".repeat(MAX_TOPIC_BYTES));
        assert_eq!(topics().incoming(&topic), Err(TopicError::TooLong));
        assert_eq!(topics().filter(&topic), Err(TopicError::TooLong));
    }

    #[test]
    fn rejects_wildcards_and_control_characters_in_a_topic_name() {
        for topic in [
            "mingqu/v1/huangyang/+/report",
            "mingqu/v1/huangyang/#",
            "mingqu/v1/huangyang/m\0/report",
            "mingqu/v1/huangyang/m\u{85}/report",
        ] {
            assert_eq!(topics().incoming(topic), Err(TopicError::Character), "{topic:?}");
        }
    }

    #[test]
    fn rejects_unknown_topics() {
        for topic in [
            "",
            "/",
            "mingqu/v1/huangyang/m-0042",
            "mingqu/v1/huangyang/m-0042/report/more",
            "mingqu/v2/huangyang/m-0042/report",
            "mingqu/v1/huangyang/m-0042/stored",
            "mingqu/v1/huangyang/m-0042/command",
            "$SYS/broker/uptime",
            "é",
        ] {
            assert_eq!(topics().incoming(topic), Err(TopicError::Unknown), "{topic:?}");
        }
    }

    #[test]
    fn rejects_a_status_of_another_district_or_of_no_meter() {
        assert_eq!(
            topics().incoming("mingqu/v1/elsewhere/m-0042/status"),
            Err(TopicError::OtherDistrict)
        );
        assert_eq!(topics().incoming("mingqu/v1/huangyang/M/status"), Err(TopicError::Meter));
    }

    #[test]
    fn rejects_filters_beyond_a_meters_own_business() {
        for filter in [
            "#",
            "+/+/+/+/+",
            "mingqu/v1/huangyang/#",
            "mingqu/v1/huangyang/m-0042/report",
            "mingqu/v1/huangyang/m-0042/+",
            "mingqu/v1/+/m-0042/stored",
            "mingqu/v1/elsewhere/m-0042/stored",
            "$share/g/mingqu/v1/huangyang/+/stored",
        ] {
            assert_eq!(topics().filter(filter), Err(TopicError::Filter), "{filter:?}");
        }
        assert_eq!(topics().filter("mingqu/v1/huangyang/m+/stored"), Err(TopicError::Meter));
    }
}
