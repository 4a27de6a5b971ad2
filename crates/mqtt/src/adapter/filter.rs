//! Topic filters (MQTT 5.0 §4.7) that an adapter listens to.

use thiserror::Error;

use crate::MAX_TOPIC_BYTES;

/// What meters of our own speak below; no adapter may listen there.
const RESERVED: &str = "mingqu/v1/#";

/// A topic filter with `+` and `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFilter(String);

/// Why a text is not a filter for an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TopicFilterError {
    /// Empty or longer than [`MAX_TOPIC_BYTES`].
    #[error("is empty or too long: use 1 to {MAX_TOPIC_BYTES} bytes")]
    Length,
    /// A control character.
    #[error("has a control character: remove it")]
    Character,
    /// A wildcard that shares its level, or a `#` before the end.
    #[error("has a wildcard out of place: '+' stands for one whole level, '#' for all that follow")]
    Wildcard,
    /// A shared subscription or a topic of the broker itself.
    #[error("starts with '$': name the topics themselves, without a share or the broker's own")]
    Dollar,
    /// It would take what meters of our own publish.
    #[error("overlaps mingqu/v1/#, where signed reports come in: name the foreign topics only")]
    Reserved,
}

impl TopicFilter {
    /// Reads a filter; fails with what is wrong.
    pub fn new(text: &str) -> Result<Self, TopicFilterError> {
        if text.is_empty() || text.len() > MAX_TOPIC_BYTES {
            return Err(TopicFilterError::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(TopicFilterError::Character);
        }
        if text.starts_with('$') {
            return Err(TopicFilterError::Dollar);
        }
        let levels: Vec<&str> = text.split('/').collect();
        for (at, level) in levels.iter().enumerate() {
            let shared = level.len() > 1 && level.contains(['+', '#']);
            if shared || (*level == "#" && at + 1 != levels.len()) {
                return Err(TopicFilterError::Wildcard);
            }
        }
        let filter = Self(text.to_owned());
        if filter.overlaps(&Self(RESERVED.to_owned())) {
            return Err(TopicFilterError::Reserved);
        }
        Ok(filter)
    }

    /// The filter as it is subscribed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message on this topic is meant.
    pub fn matches(&self, topic: &str) -> bool {
        // A topic name is a filter without wildcards; a leading wildcard never means a `$` topic.
        !topic.starts_with('$') && meet(self.0.split('/'), topic.split('/'))
    }

    /// Whether some topic is meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        meet(self.0.split('/'), other.0.split('/'))
    }

    pub(super) fn last_level(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

fn meet<'a>(
    mut one: impl Iterator<Item = &'a str>,
    mut other: impl Iterator<Item = &'a str>,
) -> bool {
    loop {
        match (one.next(), other.next()) {
            // `a/#` also means `a` itself.
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(left), Some(right)) if left == "+" || right == "+" || left == right => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text).unwrap()
    }

    #[test]
    fn means_the_topics_that_mqtt_says() {
        let events = filter("application/+/device/+/event/+");
        assert!(events.matches("application/17c8/device/0101/event/up"));
        assert!(!events.matches("application/17c8/device/0101/command/down"));
        assert!(!events.matches("application/17c8/device/0101/event/up/more"));
        let below = filter("acme/#");
        assert!(below.matches("acme") && below.matches("acme/a/b") && below.matches("acme/"));
        assert!(!below.matches("acmes/a"));
        assert!(filter("+/data").matches("a/data") && !filter("+/data").matches("$SYS/data"));
    }

    #[test]
    fn knows_what_two_filters_share() {
        assert!(filter("a/+/c").overlaps(&filter("a/b/+")));
        assert!(filter("a/#").overlaps(&filter("+")));
        assert!(!filter("a/+/c").overlaps(&filter("a/b/d")));
        assert!(!filter("a/b").overlaps(&filter("a/b/c")));
    }

    #[test]
    fn rejects_a_length_that_cannot_be() {
        for text in [String::new(), "a".repeat(MAX_TOPIC_BYTES + 1)] {
            assert_eq!(TopicFilter::new(&text), Err(TopicFilterError::Length));
        }
    }

    #[test]
    fn rejects_control_characters() {
        assert_eq!(TopicFilter::new("a/\0"), Err(TopicFilterError::Character));
    }

    #[test]
    fn rejects_wildcards_out_of_place() {
        for text in ["a/b+", "a/#/c", "#a", "++", "a/+#"] {
            assert_eq!(TopicFilter::new(text), Err(TopicFilterError::Wildcard), "{text}");
        }
    }

    #[test]
    fn rejects_shares_and_the_brokers_own_topics() {
        for text in ["$share/g/a", "$SYS/#"] {
            assert_eq!(TopicFilter::new(text), Err(TopicFilterError::Dollar), "{text}");
        }
    }

    #[test]
    fn rejects_what_overlaps_signed_reports() {
        for text in
            ["#", "+/#", "mingqu/#", "mingqu/v1/d/m/report", "+/v1/d/+/report", "mingqu/+/+/+/+"]
        {
            assert_eq!(TopicFilter::new(text), Err(TopicFilterError::Reserved), "{text}");
        }
        assert!(TopicFilter::new("mingqu/v2/#").is_ok());
    }
}
