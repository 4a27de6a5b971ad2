//! Work that keeps a core busy, spread over all of them.

use std::thread;

/// Does `work` on items, in their order, on as many cores as they keep busy with `least` items each.
///
/// A panic of the work goes on here. If the runtime goes down meanwhile, it never returns, and with it whoever waits for it ends.
pub(crate) async fn on_all_cores<T, R>(
    mut items: Vec<T>,
    least: usize,
    work: impl Fn(Vec<T>) -> Vec<R> + Clone + Send + 'static,
) -> Vec<R>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let lanes = items.len().div_ceil(least).clamp(1, cores);
    let share = items.len().div_ceil(lanes);
    let mut working = Vec::with_capacity(lanes);
    while !items.is_empty() {
        let rest = items.split_off(share.min(items.len()));
        let (lane, work) = (std::mem::replace(&mut items, rest), work.clone());
        working.push(tokio::task::spawn_blocking(move || work(lane)));
    }
    let mut done = Vec::new();
    for lane in working {
        match lane.await {
            Ok(lane) => done.extend(lane),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::future::pending().await,
            },
        }
    }
    done
}
