//! A witness: an independent party that checks that logs only grow, and cosigns their checkpoints.
//!
//! It keeps one small file a log, the checkpoint that it last cosigned ([`Folder`]), cosigns what
//! continues it and nothing else ([`Witness`]), and is asked over HTTP ([`router`], C2SP
//! tlog-witness). What may be cosigned is decided in [`disclosure::witness`]. It knows nothing of
//! entries, districts or databases: any log of checkpoints may be witnessed.
//!
//! Two promises everything here serves: what was cosigned is on disk before anybody sees the
//! cosignature, and of two requests for one log only one is looked at at a time, by one process.

mod folder;
mod http;
mod page;
mod witness;

pub use folder::{Folder, StateError};
pub use http::router;
pub use witness::{AddError, Clock, LogStatus, MAX_LOGS, OpenError, Witness};
