//! Readings that somebody of the station took by hand and signs for.

use disclosure::hand_readings::HandReadings;
use disclosure::record::RecordError;
use serde::Serialize;

use crate::hand_readings::StoredReading;
use crate::{Service, ServiceError};

/// What became of readings by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entered {
    /// The entry's number among those of its meter.
    pub entry: u64,
}

impl Service {
    /// Takes in an envelope with readings by hand. The same envelope again keeps its number.
    pub async fn enter_readings(&self, envelope: &[u8]) -> Result<Entered, ServiceError> {
        // A key may have been revoked, or a meter posted, through another server.
        self.catch_up().await?;
        let (entry, registered, first, last) = {
            let record = self.record();
            let (entry, _) = HandReadings::open(record.directory(), envelope)?;
            if entry.district != *self.district() {
                return Err(RecordError::OtherDistrict(entry.district).into());
            }
            let Some(registered) = record.meters().get(&entry.meter) else {
                return Err(RecordError::UnknownMeter(entry.meter).into());
            };
            let ends = entry.readings.first().zip(entry.readings.last());
            let Some((first, last)) = ends.map(|(first, last)| (first.at, last.at)) else {
                return Err(disclosure::hand_readings::HandReadingsError::Count(0).into());
            };
            (entry, registered.meter.clone(), first, last)
        };
        for reading in &entry.readings {
            let reading = StoredReading { at: reading.at, value: reading.value };
            self.check_reading(&registered, reading).await?;
        }
        let meter = entry.meter;
        let now = self.now();
        let entry = self.store.append_manual(now, &meter, first, last, envelope).await?;
        self.tell_news([meter]);
        Ok(Entered { entry })
    }
}
