//! The read side: typed views for pages, made from the store and the public record.
//!
//! A view carries values, never texts of a language: how a volume or a time looks is the business
//! of whoever shows it. Nothing here changes anything. The record is only looked at between
//! awaits; what a view needs from it is copied out.

mod alarms;
mod balance;
mod by_the_log;
mod curve;
mod district;
mod explain;
mod household;
mod key_place;
mod log;
mod meter;
mod meters;
mod notice;
mod payments;
mod places;
mod posting;
mod quarantine;
mod receipt;
mod roster;
mod round;
mod search;
mod status;
mod turns;
mod village;

pub use by_the_log::{DayView, OverdueView, SignerView};
pub use disclosure::attachment::{AttachmentRef, MAX_ATTACHMENT_BYTES};
pub use disclosure::bundle::BundleId;
pub use disclosure::dsse::{Envelope, MAX_ENVELOPE_BYTES};
pub use disclosure::key::{Fingerprint, PublicKey};
pub use disclosure::merkle::Hash;
pub use disclosure::record::RosterGround;
pub use disclosure::statement::{
    Evidence, KeyKept, Kind, Origin, RegistryMeter, RevocationReason, Role, Rule, WateringFacts,
};
pub use disclosure::tile::TileId;
pub use domain::account::NOT_POSTED;
pub use domain::balance::Balance;
pub use domain::bill::{Basis, Bill, BillLine, Charge, Quantity};
pub use domain::measurement::Doubt;
pub use domain::payment::{Account, PaymentWay, ReceiptNo, YearAccount, capitals};
pub use domain::plot::{Crop, Plot, Source};
pub use domain::progress::Progress;
pub use domain::rating::RatingTable;
pub use domain::registry::Meter;
pub use domain::round::Turn;
pub use domain::scale::Scale;
pub use domain::share::{Figure, ShareMethod};
pub use domain::tariff::{Decimal, Loss, Minimum, On, Per, Season, Tariff};
pub use domain::units::{decimal_text, parse_decimal};
pub use domain::watch::{AlarmKind, Cause, Severity};
pub use domain::{
    Area, ClassId, DistrictId, Fen, HouseholdNo, Litres, MeterCode, OutletId, PersonId, RoundId,
    Timestamp, VillageId,
};

pub use alarms::{
    AlarmCount, AlarmFilter, AlarmLine, AlarmsView, MAX_ALARMS_PER_PAGE, alarm_counts, alarms,
};
pub use balance::{OutletBalance, balance_of};
pub(crate) use curve::drawn;
pub use curve::{Curve, statement_curve};
pub use district::{DistrictView, VillageLine, district, district_name};
pub use explain::{ExplainError, Explained, Question, explain, tariff_at};
pub use household::{
    BillView, HouseholdView, HouseholdWatering, Land, MAX_HOUSEHOLD_WATERINGS, household,
};
pub use key_place::{KeyPlace, key_place};
pub use log::{LogState, LogView, MAX_POSTINGS_PER_PAGE, PostingLine, log};
pub use meter::{MeterView, ReadingLine, ReportLine, meter};
pub use meters::{MAX_METERS_PER_PAGE, MeterLine, MetersView, meters};
pub use notice::{
    LineOf, MAX_NOTICE_LINES, NoticeLine, NoticeShare, NoticeTotals, NoticeView, NoticeWatering,
    notice,
};
pub use payments::{
    HouseholdPayments, MAX_OWED_PER_PAGE, MAX_PAYMENTS_PER_PAGE, OwedView, PaymentLine,
    PaymentView, household_payments, owed, payment,
};
pub use places::{Named, Totals};
pub use posting::{
    BillRunView, BillSum, KeyView, MAX_LISTED, PostingBody, PostingView, SignatureView,
    WateringView, envelope, posting,
};
pub use quarantine::{QuarantineView, RefusedMessage, quarantine};
pub use receipt::{ReceiptView, receipt};
pub use roster::{Holders, RosterLine, RosterView, roster_ground};
pub use round::{BoardRow, MAX_WATERINGS_PER_PAGE, RoundView, RunSummary, WaitingTurn, round};
pub use search::{Hit, MAX_HITS, MAX_QUERY_CHARS, search};
pub use status::{Status, ready, status};
pub use store::{OwedAfter, OwedRow, OwedSum, Reversal, VillageYear};
pub use turns::{
    MAX_PROPOSALS_PER_PAGE, OpenTurn, Proposal, TurnsView, UnpostedTurn, proposals, turns,
};
pub use village::{GroupLine, OutletLine, RoundLine, VillageView, village};
