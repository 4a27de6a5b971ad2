//! Published once enough witnesses have cosigned, and never against what a witness has seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use disclosure::cosignature::Cosigner;
use disclosure::key::SigningKey;
use disclosure::note::KeyName;
use disclosure::statement::Statement;
use disclosure::witness::{Refusal, SIZE_MEDIA_TYPE, size_text};
use disclosure::witness_policy::WitnessPolicy;
use domain::Timestamp;
use domain::progress::Progress;
use service::{Reached, Service, ServiceError, WitnessClient, WitnessReply, Witnesses};
use tempfile::TempDir;
use witness::{AddError, Folder, Witness};

use crate::Town;
use crate::town::log_key;

/// How long a witness hangs whom nobody lets go on.
const LONGEST_HANG: Duration = Duration::from_mins(1);

/// A real witness without its HTTP.
struct Office {
    witness: Witness,
    away: AtomicBool,
    /// It takes requests and answers none until somebody lets it go on.
    hung: Mutex<bool>,
    goes_on: Condvar,
    _folder: TempDir,
}

impl Office {
    fn open(seed: u8) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let name = KeyName::new(format!("w{seed}.example.com")).unwrap();
        let cosigner = Cosigner::new(name, SigningKey::from_bytes(&[seed; 32]));
        let state = Folder::create(folder.path()).unwrap();
        let clock = Arc::new(|| 1_462_838_400);
        let keys = [log_key().verifier_key()];
        let witness = Witness::open(state, cosigner, &keys, clock).unwrap();
        let (away, hung, goes_on) = (AtomicBool::new(false), Mutex::new(false), Condvar::new());
        Arc::new(Self { witness, away, hung, goes_on, _folder: folder })
    }

    fn set_hung(&self, hung: bool) {
        *self.hung.lock().unwrap() = hung;
        self.goes_on.notify_all();
    }

    /// Ends with the test, should that fail while it hangs.
    fn hang(&self) {
        let hung = self.hung.lock().unwrap();
        drop(self.goes_on.wait_timeout_while(hung, LONGEST_HANG, |hung| *hung).unwrap());
    }

    fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn size(&self) -> u64 {
        self.witness.status()[0].size
    }
}

/// The way to both offices.
struct Road([Arc<Office>; 2]);

impl WitnessClient for Road {
    fn add_checkpoint(&self, prefix: &str, request: &[u8]) -> Result<WitnessReply, String> {
        let office = &self.0[prefix.parse::<usize>().unwrap()];
        office.hang();
        if office.away.load(Ordering::SeqCst) {
            return Err("nobody answers".to_owned());
        }
        let reply = |status, media_type: &str, body: String| {
            Ok(WitnessReply { status, media_type: media_type.to_owned(), body: body.into() })
        };
        match office.witness.add_checkpoint(request) {
            Ok(cosignature) => reply(200, "text/plain", cosignature.line()),
            Err(AddError::Refused(Refusal::OtherSize { seen, .. })) => {
                reply(409, SIZE_MEDIA_TYPE, size_text(seen))
            }
            Err(AddError::Refused(refusal)) => {
                reply(refusal.status(), "text/plain", refusal.to_string())
            }
            Err(AddError::Failed(error)) => reply(503, "text/plain", error.to_string()),
        }
    }
}

struct Scene {
    town: Town,
    offices: [Arc<Office>; 2],
    least: &'static str,
}

impl Scene {
    /// A founded district, which then gets two witnesses of which `least` are needed.
    async fn founded(least: &'static str) -> Self {
        let offices = [Office::open(1), Office::open(2)];
        let mut scene = Self { town: Town::founded().await, offices, least };
        scene.town.service = Arc::new(scene.reopen().await.unwrap());
        scene
    }

    fn policy(&self) -> WitnessPolicy {
        let key = |place: usize| self.offices[place].witness.verifier_key();
        let text = format!(
            "log {}\nwitness a {} 0\nwitness b {} 1\ngroup g {} a b\nquorum g\n",
            log_key().vkey(),
            key(0),
            key(1),
            self.least
        );
        WitnessPolicy::parse(text.as_bytes()).unwrap()
    }

    fn witnesses(&self) -> Witnesses {
        let [a, b] = &self.offices;
        Witnesses::new(self.policy(), Arc::new(Road([Arc::clone(a), Arc::clone(b)]))).unwrap()
    }

    async fn reopen(&self) -> Result<Service, ServiceError> {
        self.town.reopen_witnessed(self.witnesses()).await
    }

    /// Both sides sign a draft; how far it has come.
    async fn sign_draft(&self) -> Reached {
        let draft = self.town.drafted().await;
        let people = &self.town.log.people;
        self.town.sign(draft.id, &people.station).await.unwrap();
        self.town.sign(draft.id, &people.east).await.unwrap();
        self.town.pending(draft.id).await.reached()
    }

    async fn published(&self) -> u64 {
        self.town.service.log().size().await.unwrap()
    }

    /// The published checkpoint satisfies the policy.
    async fn is_witnessed(&self) {
        let note = self.town.service.log().checkpoint().await.unwrap().unwrap();
        self.policy().check(&note, &log_key().verifier_key()).unwrap();
    }

    fn later(&self, seconds: i64) {
        let now = self.town.service.now().millis() + seconds * 1_000;
        self.town.set_clock(Timestamp::from_millis(now).unwrap());
    }
}

#[tokio::test]
async fn a_log_that_gets_witnesses_is_cosigned_as_it_stands() {
    let scene = Scene::founded("all").await;
    assert_eq!((scene.published().await, scene.offices[0].size()), (9, 9));
    scene.is_witnessed().await;
}

#[tokio::test]
async fn a_posting_is_published_with_the_cosignatures() {
    let scene = Scene::founded("all").await;
    let reached = scene.sign_draft().await;
    assert_eq!((reached.code(), scene.published().await), ("posted", 10));
    assert_eq!([scene.offices[0].size(), scene.offices[1].size()], [10, 10]);
    scene.is_witnessed().await;
    scene.town.audit().await;
}

#[tokio::test]
async fn while_a_needed_witness_is_away_nothing_is_published() {
    let scene = Scene::founded("all").await;
    scene.offices[1].set_away(true);
    let reached = scene.sign_draft().await;
    assert_eq!((reached.progress, reached.code()), (Progress::Posted, "unwitnessed"));
    assert_eq!(scene.published().await, 9);
    let status = scene.town.service.witnesses().unwrap().status();
    assert_eq!(status[0].failure, None);
    assert_eq!(status[1].failure.as_deref(), Some("nobody answers"));
    // It is back, and asked again when its wait is over.
    scene.offices[1].set_away(false);
    scene.town.service.tend().await.unwrap();
    assert_eq!(scene.published().await, 9);
    assert_eq!(scene.town.service.retry_in().unwrap().as_millis(), 1_000);
    scene.later(1);
    scene.town.service.tend().await.unwrap();
    assert_eq!(scene.published().await, 10);
    assert_eq!(scene.town.service.retry_in(), None);
    scene.is_witnessed().await;
}

#[tokio::test]
async fn the_wait_doubles_up_to_a_minute() {
    let scene = Scene::founded("all").await;
    scene.offices[1].set_away(true);
    scene.sign_draft().await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let wait = scene.town.service.retry_in().unwrap().as_secs();
        waits.push(wait);
        scene.later(wait.try_into().unwrap());
        scene.town.service.tend().await.unwrap();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[tokio::test]
async fn one_of_two_suffices_where_the_policy_says_any_and_the_other_catches_up() {
    let scene = Scene::founded("any").await;
    scene.offices[1].set_away(true);
    assert_eq!(scene.sign_draft().await.code(), "posted");
    assert_eq!([scene.offices[0].size(), scene.offices[1].size()], [10, 9]);
    scene.is_witnessed().await;
    // A new server asks where each of them stands, and proves from there.
    scene.offices[1].set_away(false);
    scene.reopen().await.unwrap();
    assert_eq!(scene.offices[1].size(), 10);
}

#[tokio::test]
async fn a_witness_that_hangs_holds_up_no_posting_that_does_without_it() {
    let mut scene = Scene::founded("any").await;
    scene.offices[1].set_hung(true);
    assert_eq!(scene.sign_draft().await.code(), "posted");
    // It is still being asked, and is not asked a second time.
    post_roster(&mut scene.town, &[("101", 840), ("102", 1171)]).await.unwrap();
    assert_eq!((scene.published().await, scene.offices[0].size()), (11, 11));
    assert_eq!(scene.offices[1].size(), 9);
    // It goes on, and what it was asked is noted; then it catches up.
    scene.offices[1].set_hung(false);
    let noted = async {
        while scene.town.service.witnesses().unwrap().status()[1].cosigned != Some(10) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST_HANG, noted).await.unwrap();
    post_roster(&mut scene.town, &[("101", 840), ("102", 1172)]).await.unwrap();
    assert_eq!([scene.offices[0].size(), scene.offices[1].size()], [12, 12]);
}

#[tokio::test]
async fn a_server_that_starts_without_its_witnesses_posts_nothing() {
    let mut scene = Scene::founded("all").await;
    scene.offices[0].set_away(true);
    scene.town.service = Arc::new(scene.reopen().await.unwrap());
    let reached = scene.sign_draft().await;
    assert_eq!((reached.code(), scene.town.size()), ("co-signed", 9));
    scene.offices[0].set_away(false);
    scene.later(60);
    scene.town.service.tend().await.unwrap();
    assert_eq!((scene.published().await, scene.town.size()), (10, 10));
}

#[tokio::test]
async fn an_old_backup_is_refused_at_the_start_with_the_way_to_recover() {
    let scene = Scene::founded("all").await;
    scene.sign_draft().await;
    // The same log as it was before its last posting.
    let backup = Town::founded().await;
    let refused = backup.reopen_witnessed(scene.witnesses()).await.err().unwrap().to_string();
    for words in [
        "has cosigned 10 entries of this log and the database has 9",
        "an old backup was restored",
        "restore the newest backup",
        "never delete the witness's state",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(backup.size(), 9);
}

#[tokio::test]
async fn a_backup_that_meets_its_witness_late_is_posted_to_no_more() {
    let scene = Scene::founded("any").await;
    scene.sign_draft().await;
    // At its start the backup reaches only a witness that missed the last posting.
    let offices = [Office::open(1), Arc::clone(&scene.offices[1])];
    let mut backup = Scene { town: Town::founded().await, offices, least: "any" };
    backup.offices[1].set_away(true);
    backup.town.service = Arc::new(backup.reopen().await.unwrap());
    backup.offices[1].set_away(false);
    for households in [[("101", 840), ("102", 1171)], [("101", 840), ("102", 1172)]] {
        let refused = post_roster(&mut backup.town, &households).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Contradiction(_)), "{refused}");
        // One entry went in before the witness was heard, and no second one.
        assert_eq!((backup.town.size(), backup.published().await), (10, 9));
    }
    assert_eq!(scene.offices[1].size(), 10);
}

#[tokio::test]
async fn two_histories_under_one_log_key_are_refused() {
    let scene = Scene::founded("all").await;
    scene.sign_draft().await;
    let mut fork = Town::founded().await;
    for households in [[("101", 840), ("102", 1171)], [("101", 840), ("102", 1172)]] {
        post_roster(&mut fork, &households).await.unwrap();
    }
    let refused = fork.reopen_witnessed(scene.witnesses()).await.err().unwrap();
    assert!(matches!(refused, ServiceError::Contradiction(_)), "{refused}");
    let refused = refused.to_string();
    for words in ["another history of this log", "two servers post under one log key"] {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(scene.offices[0].size(), 10);
}

#[test]
fn rejects_a_witness_without_an_address() {
    let office = Office::open(1);
    let text = format!("witness a {}\nquorum a\n", office.witness.verifier_key());
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    let road = Arc::new(Road([Arc::clone(&office), office]));
    let refused = Witnesses::new(policy, road).unwrap_err().to_string();
    assert!(refused.contains("witness a has no URL"), "{refused}");
}

/// Another roster of the village east, signed by both sides and handed in.
async fn post_roster(town: &mut Town, households: &[(&str, i64)]) -> Result<i64, ServiceError> {
    let people = town.log.people.clone();
    let signers = [&people.station, &people.east];
    let roster = town.log.roster("east", households, &signers);
    town.propose(&audit::testing::TestLog::seal(&Statement::Roster(roster), &signers)).await
}
