//! Masked names of holders: personal, beside the log and never in it.

use std::collections::BTreeMap;

use domain::HouseholdNo;

use crate::pool::{changed, on, within};
use crate::{Store, StoreError};

/// Households of one call: more than a station serves.
pub const MAX_HOLDERS_PER_CALL: usize = 100_000;

const HOLDER: &str = "SELECT masked_name FROM holder WHERE district = $1 AND household = $2";

impl Store {
    /// Enters or replaces the masked names of households' holders.
    pub async fn put_holders(&self, holders: &[(HouseholdNo, String)]) -> Result<(), StoreError> {
        within_limit(holders.len())?;
        let mut tx = self.pool.write().await?;
        for (household, masked_name) in holders {
            changed!(
                &mut tx,
                sqlx::query(
                    "INSERT INTO holder (district, household, masked_name) VALUES ($1, $2, $3)
                     ON CONFLICT (district, household) DO UPDATE SET masked_name = excluded.masked_name",
                )
                .bind(self.district)
                .bind(household.as_str())
                .bind(masked_name.as_str())
            )?;
        }
        tx.commit().await
    }

    /// Removes a holder's masked name; false when none was kept.
    pub async fn remove_holder(&self, household: &HouseholdNo) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let removed = changed!(
            &mut tx,
            sqlx::query("DELETE FROM holder WHERE district = $1 AND household = $2")
                .bind(self.district)
                .bind(household.as_str())
        )?;
        tx.commit().await?;
        Ok(removed == 1)
    }

    /// The masked names of these households' holders, where known.
    pub async fn holders(
        &self,
        households: &[HouseholdNo],
    ) -> Result<BTreeMap<HouseholdNo, String>, StoreError> {
        within_limit(households.len())?;
        let mut tx = self.pool.read().await?;
        let mut names = BTreeMap::new();
        for household in households {
            let name: Option<String> = within!(&mut tx, c => sqlx::query_scalar(HOLDER)
                .bind(self.district)
                .bind(household.as_str())
                .fetch_optional(c))?;
            if let Some(name) = name {
                names.insert(household.clone(), name);
            }
        }
        tx.commit().await?;
        Ok(names)
    }

    /// The masked name of one household's holder.
    pub async fn holder(&self, household: &HouseholdNo) -> Result<Option<String>, StoreError> {
        Ok(on!(self.pool, p => sqlx::query_scalar(HOLDER)
            .bind(self.district)
            .bind(household.as_str())
            .fetch_optional(p))?)
    }
}

fn within_limit(count: usize) -> Result<(), StoreError> {
    let most = MAX_HOLDERS_PER_CALL;
    if count > most {
        let what = "households";
        return Err(StoreError::TooMany { what, count, most });
    }
    Ok(())
}
