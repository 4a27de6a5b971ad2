//! Entries checked ahead by several threads, and handed over in their order.
//!
//! The entries are cut into jobs of a few; each thread takes the next job there is. Whoever hands over waits for the job
//! whose turn it is. No thread runs further ahead than [`JOBS_AHEAD`] for each of them, so that what lies ready is
//! bounded.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use disclosure::bundle::BundleId;
use disclosure::tile::TILE_WIDTH;

use crate::ahead::{Looked, Lookout};
use crate::source::Source;
use crate::tree::Bundle;

/// Entries of one job.
const JOB_ENTRIES: u16 = 32;
const JOBS_OF_FULL_BUNDLE: u16 = TILE_WIDTH / JOB_ENTRIES;
/// Jobs that may lie ready or be under way, for each thread.
const JOBS_AHEAD: usize = 4;

/// Whoever takes bundles and entries in, in their order.
pub(crate) trait Fold {
    /// Takes a bundle in, before its entries.
    fn bundle(&mut self, bundle: &Bundle) -> ControlFlow<()>;

    /// Takes the next entry in.
    fn entry(&mut self, index: u64, looked: Looked) -> ControlFlow<()>;
}

/// Looks at all entries of a log of `size`, with so many threads, and hands them over in order until told to stop.
pub(crate) fn run<S: Source>(
    lookout: &Lookout<'_, S>,
    size: u64,
    threads: NonZeroUsize,
    fold: &mut impl Fold,
) {
    let jobs = Jobs::new(size, threads);
    if threads.get() == 1 {
        let _ = alone(lookout, &jobs, fold);
        return;
    }
    std::thread::scope(|scope| {
        // Also when the fold panics: the threads must not wait for ever.
        let _stop = Stop(&jobs);
        for _ in 0..threads.get() {
            scope.spawn(|| {
                let _stop = StopIfPanicking(&jobs);
                while let Some(job) = jobs.next() {
                    let bundle = jobs.bundle(lookout, &job);
                    let looked =
                        job.entries(&bundle).map(|(index, bytes)| lookout.look(index, bytes));
                    let done = Done { looked: looked.collect(), job, bundle };
                    jobs.put(done);
                }
            });
        }
        while let Some(done) = jobs.await_turn() {
            if hand_over(done, fold).is_break() {
                return;
            }
        }
    });
}

/// Without further threads, and without looking at entries of a bundle that is refused.
fn alone<S: Source>(
    lookout: &Lookout<'_, S>,
    jobs: &Jobs,
    fold: &mut impl Fold,
) -> ControlFlow<()> {
    while let Some(job) = jobs.next() {
        let bundle = jobs.bundle(lookout, &job);
        if job.skip == 0 {
            fold.bundle(&bundle)?;
        }
        for (index, bytes) in job.entries(&bundle) {
            fold.entry(index, lookout.look(index, bytes))?;
        }
        jobs.handed_over();
    }
    ControlFlow::Continue(())
}

fn hand_over(done: Done, fold: &mut impl Fold) -> ControlFlow<()> {
    if done.job.skip == 0 {
        fold.bundle(&done.bundle)?;
    }
    for (index, looked) in (done.job.first()..).zip(done.looked) {
        fold.entry(index, looked)?;
    }
    ControlFlow::Continue(())
}

/// A job that is done.
struct Done {
    job: Job,
    bundle: Arc<Bundle>,
    /// Empty where the bundle cannot be read.
    looked: Vec<Looked>,
}

struct Stop<'a>(&'a Jobs);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct StopIfPanicking<'a>(&'a Jobs);

impl Drop for StopIfPanicking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// A part of a bundle's entries.
struct Job {
    number: u64,
    bundle: BundleId,
    /// How many entries of the bundle come before.
    skip: u16,
}

impl Job {
    /// The index of its first entry.
    fn first(&self) -> u64 {
        self.bundle.index() * u64::from(TILE_WIDTH) + u64::from(self.skip)
    }

    /// Its entries with their indices; none where the bundle cannot be read.
    fn entries<'b>(&self, bundle: &'b Bundle) -> impl Iterator<Item = (u64, &'b [u8])> + use<'b> {
        let entries = bundle.entries.as_deref().unwrap_or_default();
        let entries = entries.iter().skip(self.skip.into()).take(JOB_ENTRIES.into());
        (self.first()..).zip(entries.map(Vec::as_slice))
    }
}

/// The jobs of a log, by number.
struct Jobs {
    size: u64,
    count: u64,
    ahead: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The next job that nobody has taken.
    next: u64,
    /// Jobs that were handed over.
    over: u64,
    ready: BTreeMap<u64, Done>,
    bundles: BTreeMap<u64, Arc<OnceLock<Arc<Bundle>>>>,
    stopped: bool,
}

impl Jobs {
    fn new(size: u64, threads: NonZeroUsize) -> Self {
        let width = u64::from(TILE_WIDTH);
        let rest = (size % width).div_ceil(u64::from(JOB_ENTRIES));
        let count = size / width * u64::from(JOBS_OF_FULL_BUNDLE) + rest;
        let ahead = u64::try_from(threads.get().saturating_mul(JOBS_AHEAD)).unwrap_or(u64::MAX);
        Self { size, count, ahead, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next job, once there is room for it; none when there is none left.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.stopped || state.next >= self.count {
                return None;
            }
            if state.next < state.over + self.ahead {
                let number = state.next;
                state.next += 1;
                return self.job(number);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn job(&self, number: u64) -> Option<Job> {
        let jobs = u64::from(JOBS_OF_FULL_BUNDLE);
        let bundle = BundleId::in_log(number / jobs, self.size)?;
        let skip = u16::try_from(number % jobs).ok()? * JOB_ENTRIES;
        Some(Job { number, bundle, skip })
    }

    /// The bundle of a job. The first to ask reads it; the others wait for that.
    fn bundle<S: Source>(&self, lookout: &Lookout<'_, S>, job: &Job) -> Arc<Bundle> {
        let slot = Arc::clone(self.state().bundles.entry(job.bundle.index()).or_default());
        Arc::clone(slot.get_or_init(|| Arc::new(Bundle::read(lookout.source, job.bundle))))
    }

    fn put(&self, done: Done) {
        self.state().ready.insert(done.job.number, done);
        self.changed.notify_all();
    }

    /// The job whose turn it is, once it is done; none after the last.
    fn await_turn(&self) -> Option<Done> {
        let mut state = self.state();
        loop {
            if state.stopped || state.over >= self.count {
                return None;
            }
            let turn = state.over;
            if let Some(done) = state.ready.remove(&turn) {
                drop(state);
                self.handed_over();
                return Some(done);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn handed_over(&self) {
        let mut state = self.state();
        state.over += 1;
        let bundle = state.over / u64::from(JOBS_OF_FULL_BUNDLE);
        state.bundles = state.bundles.split_off(&bundle);
        drop(state);
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }
}
