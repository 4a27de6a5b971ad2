use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use telemetry::MeterId;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::*;
use crate::{Ingest, refused};

/// A store that is told how each call ends, and remembers what it was handed.
#[derive(Default)]
struct Store {
    /// Each call to store takes one permit before it ends.
    calls: Option<Semaphore>,
    /// Each call to check takes one permit before it ends.
    checks: Option<Semaphore>,
    /// Messages that were checked.
    checked: AtomicUsize,
    failures: AtomicUsize,
    batches: Mutex<Vec<Vec<Vec<u8>>>>,
    called: Notify,
}

#[derive(Debug, Error)]
#[error("the disk is full")]
struct Full;

impl Ingest for Store {
    type Checked = Vec<Vec<u8>>;
    type Error = Full;

    async fn check(&self, batch: Vec<Arrival>) -> Vec<Vec<u8>> {
        if let Some(checks) = &self.checks {
            checks.acquire().await.unwrap().forget();
        }
        self.checked.fetch_add(batch.len(), Ordering::SeqCst);
        batch.into_iter().map(|arrival| arrival.payload).collect()
    }

    fn join(earlier: &mut Vec<Vec<u8>>, later: Vec<Vec<u8>>) {
        earlier.extend(later);
    }

    async fn store(&self, batch: &Vec<Vec<u8>>) -> Result<Vec<Receipt>, Full> {
        let stored = batch.len() as u64;
        self.batches.lock().unwrap().push(batch.clone());
        self.called.notify_one();
        if let Some(calls) = &self.calls {
            calls.acquire().await.unwrap().forget();
        }
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(Full);
        }
        Ok(vec![Receipt { meter: MeterId::new("m1").unwrap(), stored }])
    }
}

/// Remembers the tickets that came back, and the receipts.
#[derive(Default)]
struct Meter {
    tickets: Mutex<Vec<u64>>,
    receipts: Mutex<Vec<Receipt>>,
    told: Notify,
}

impl Acknowledge for Meter {
    fn acknowledge(&self, ticket: u64) {
        self.tickets.lock().unwrap().push(ticket);
    }
}

impl ReceiptSink for Meter {
    fn deliver(&self, receipts: &[Receipt]) {
        self.receipts.lock().unwrap().extend_from_slice(receipts);
        self.told.notify_one();
    }
}

struct Bench {
    store: Arc<Store>,
    meter: Arc<Meter>,
    queue: Queue,
    stop: Option<oneshot::Sender<()>>,
    running: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(store: Store) -> Self {
        let store = Arc::new(store);
        let meter = Arc::new(Meter::default());
        let (queue, batcher) = Batcher::new(Arc::clone(&store), Arc::default());
        queue.add_sink(Arc::clone(&meter) as _);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(batcher.run(async {
            let _ = stopped.await;
        }));
        Self { store, meter, queue, stop: Some(stop), running }
    }

    fn message(&self, number: u64) -> Message {
        let arrival = Arrival {
            topic: "mingqu/v1/d/m1/report".into(),
            meter: "m1".into(),
            payload: number.to_be_bytes().to_vec(),
            refused: None,
            foreign: None,
        };
        Message { arrival, ack: Some(Ack::new(Arc::clone(&self.meter) as _, number)) }
    }

    async fn put(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.queue.put(self.message(number)).await.unwrap();
        }
    }

    fn tickets(&self) -> Vec<u64> {
        self.meter.tickets.lock().unwrap().clone()
    }

    async fn acknowledged(&self, messages: usize) {
        while self.tickets().len() < messages {
            self.meter.told.notified().await;
        }
    }

    async fn checked(&self, messages: usize) {
        while self.store.checked.load(Ordering::SeqCst) < messages {
            // The clock is a paused one: it moves as soon as nothing else does.
            tokio::time::sleep(Duration::from_millis(BATCH_TICK_MILLIS)).await;
        }
    }

    fn batch_sizes(&self) -> Vec<usize> {
        self.store.batches.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// Asks the batcher to stop without waiting for it.
    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

fn held() -> Store {
    Store { calls: Some(Semaphore::new(0)), ..Store::default() }
}

fn failing(times: usize) -> Store {
    Store { failures: AtomicUsize::new(times), ..Store::default() }
}

#[tokio::test(start_paused = true)]
async fn acknowledges_nothing_before_the_commit() {
    let bench = Bench::start(held());
    bench.put(0..10).await;
    bench.store.called.notified().await;
    // Everything that could run has run: the clock moves only when nothing else can.
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(bench.tickets(), Vec::<u64>::new());
    assert!(bench.meter.receipts.lock().unwrap().is_empty());
    bench.store.calls.as_ref().unwrap().add_permits(1);
    bench.meter.told.notified().await;
    assert_eq!(bench.tickets(), (0..10).collect::<Vec<_>>());
    assert_eq!(bench.meter.receipts.lock().unwrap()[0].stored, 10);
    let counts = bench.queue.counters().counts();
    assert_eq!((counts.received, counts.acknowledged, counts.batches), (10, 10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_is_tried_again_as_it_was_and_acknowledged_once() {
    let bench = Bench::start(failing(3));
    bench.put(0..5).await;
    bench.meter.told.notified().await;
    assert_eq!(bench.tickets(), [0, 1, 2, 3, 4]);
    let batches = bench.store.batches.lock().unwrap().clone();
    assert_eq!(batches.len(), 4);
    assert!(batches.iter().all(|batch| *batch == batches[0]));
    assert_eq!(bench.queue.counters().counts().failed_batches, 3);
}

#[tokio::test(start_paused = true)]
async fn later_messages_wait_behind_a_failing_batch() {
    let bench = Bench::start(failing(2));
    bench.put(0..3).await;
    bench.store.called.notified().await;
    bench.put(3..6).await;
    bench.acknowledged(6).await;
    assert_eq!(bench.tickets(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(bench.batch_sizes(), [3, 3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_ends_after_its_time() {
    let bench = Bench::start(Store::default());
    let began = Instant::now();
    let feed = async {
        for number in 0.. {
            bench.put(number..number + 1).await;
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    };
    tokio::select! {
        () = feed => {}
        () = bench.store.called.notified() => {}
    }
    assert!(began.elapsed() <= Duration::from_millis(BATCH_WAIT_MILLIS + 2 * BATCH_TICK_MILLIS));
    assert!(bench.batch_sizes()[0] > 10);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_adds_to_does_not_wait_out_its_time() {
    let bench = Bench::start(Store::default());
    let began = Instant::now();
    bench.put(0..1).await;
    bench.store.called.notified().await;
    assert!(began.elapsed() < Duration::from_millis(BATCH_WAIT_MILLIS / 2));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_goes_in_larger_batches_up_to_their_limit() {
    let bench = Bench::start(held());
    bench.put(0..1).await;
    bench.store.called.notified().await;
    bench.put(1..10_000).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.store.calls.as_ref().unwrap().add_permits(10);
    bench.acknowledged(10_000).await;
    let sizes = bench.batch_sizes();
    assert_eq!(sizes[..2], [1, MAX_BACKLOG_MESSAGES]);
    assert!(sizes.iter().all(|size| *size <= MAX_BACKLOG_MESSAGES), "{sizes:?}");
    assert_eq!(bench.tickets(), (0..10_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn messages_are_checked_while_those_before_them_are_stored() {
    let bench = Bench::start(held());
    bench.put(0..3).await;
    bench.store.called.notified().await;
    bench.put(3..8).await;
    bench.checked(8).await;
    assert_eq!(bench.batch_sizes(), [3]);
    assert_eq!(bench.tickets(), Vec::<u64>::new());
    bench.store.calls.as_ref().unwrap().add_permits(2);
    bench.acknowledged(8).await;
    assert_eq!(bench.batch_sizes(), [3, 5]);
    assert_eq!(bench.tickets(), (0..8).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn no_more_is_checked_ahead_than_two_transactions_take() {
    let bench = Bench::start(held());
    bench.put(0..1).await;
    bench.store.called.notified().await;
    bench.put(1..14_000).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    // What stands between, and the batch that waits to be put there.
    let most = 1 + 2 * MAX_BACKLOG_MESSAGES + MAX_BATCH_MESSAGES;
    assert_eq!(bench.store.checked.load(Ordering::SeqCst), most);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_full_at_its_number_of_messages() {
    let bench = Bench::start(Store { checks: Some(Semaphore::new(0)), ..Store::default() });
    let limit = MAX_QUEUED_MESSAGES as u64;
    bench.put(0..1).await;
    // The first one is on its way to be checked by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.put(1..limit + 1).await;
    let mut one_more = pin!(bench.queue.put(bench.message(limit + 1)));
    tokio::select! {
        biased;
        _ = &mut one_more => panic!("the queue took one message too many"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    bench.store.checks.as_ref().unwrap().add_permits(1);
    one_more.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_full_at_its_number_of_bytes_and_room_comes_with_the_commit() {
    let bench = Bench::start(held());
    let half = MAX_QUEUED_BYTES / 2;
    let large = |number| {
        let mut message = bench.message(number);
        message.arrival.payload = vec![0; half];
        message
    };
    bench.queue.put(large(0)).await.unwrap();
    let mut second = pin!(bench.queue.put(large(1)));
    tokio::select! {
        biased;
        _ = &mut second => panic!("the queue took more bytes than it may"),
        () = bench.store.called.notified() => {}
    }
    bench.store.calls.as_ref().unwrap().add_permits(2);
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stores_what_is_queued_and_takes_nothing_more() {
    let mut bench = Bench::start(held());
    bench.put(0..2).await;
    bench.store.called.notified().await;
    bench.put(2..5).await;
    bench.stop();
    bench.store.calls.as_ref().unwrap().add_permits(9);
    (&mut bench.running).await.unwrap();
    assert_eq!(bench.tickets(), [0, 1, 2, 3, 4]);
    assert_eq!(bench.queue.put(bench.message(5)).await, Err(Closed));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_with_a_failing_store_acknowledges_nothing() {
    let mut bench = Bench::start(failing(usize::MAX));
    bench.put(0..3).await;
    bench.store.called.notified().await;
    bench.put(3..5).await;
    bench.stop();
    (&mut bench.running).await.unwrap();
    assert_eq!(bench.tickets(), Vec::<u64>::new());
    assert_eq!(bench.queue.put(bench.message(9)).await, Err(Closed));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stores_what_is_just_being_checked() {
    let mut bench = Bench::start(Store { checks: Some(Semaphore::new(1)), ..Store::default() });
    bench.put(0..2).await;
    bench.acknowledged(2).await;
    bench.put(2..4).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.stop();
    bench.store.checks.as_ref().unwrap().add_permits(1);
    (&mut bench.running).await.unwrap();
    assert_eq!(bench.tickets(), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn ends_when_every_source_is_gone() {
    let Bench { queue, running, meter, .. } = Bench::start(Store::default());
    let (topic, meter_id) = (String::new(), String::new());
    let arrival =
        Arrival { topic, meter: meter_id, payload: Vec::new(), refused: None, foreign: None };
    let ack = Some(Ack::new(Arc::clone(&meter) as _, 7));
    queue.put(Message { arrival, ack }).await.unwrap();
    drop(queue);
    running.await.unwrap();
    assert_eq!(*meter.tickets.lock().unwrap(), [7]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_never_takes_the_place_of_a_report() {
    let bench = Bench::start(Store { checks: Some(Semaphore::new(0)), ..Store::default() });
    // One batch is on its way to be checked, and behind it the queue is full.
    bench.put(0..1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.put(1..1 + MAX_QUEUED_MESSAGES as u64).await;
    let refused = || refused::packet("m1", b"noise", 5, &Closed);
    bench.queue.keep_apart(refused());
    assert_eq!(bench.queue.counters().counts().received, 1 + MAX_QUEUED_MESSAGES as u64);
    bench.store.checks.as_ref().unwrap().add_permits(100);
    bench.acknowledged(1 + MAX_QUEUED_MESSAGES).await;
    let noise = || {
        let batches = bench.store.batches.lock().unwrap();
        batches.iter().flatten().filter(|payload| &payload[..] == b"noise").count()
    };
    assert_eq!(noise(), 0);
    bench.queue.keep_apart(refused());
    while noise() == 0 {
        bench.store.called.notified().await;
    }
}
