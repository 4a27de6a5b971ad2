//! Masked names of holders: handed in by the station, kept beside the log, shown beside household numbers.

use domain::HouseholdNo;

use crate::request::{Holder, MAX_HOLDERS};
use crate::{Answer, Service, ServiceError};

impl Service {
    /// Keeps masked names in the place of earlier ones; a request that was done before changes nothing.
    pub(crate) async fn keep_holders(
        &self,
        holders: &[Holder],
        again: bool,
    ) -> Result<Answer, ServiceError> {
        if holders.len() > MAX_HOLDERS {
            return Err(ServiceError::TooLarge { what: "a list of holders", limit: MAX_HOLDERS });
        }
        if !again {
            let row = |one: &Holder| (one.household.clone(), one.name.to_string());
            let names: Vec<(HouseholdNo, String)> = holders.iter().map(row).collect();
            self.store.put_holders(&names).await?;
        }
        Ok(Answer::Done)
    }
}
