use disclosure::key::SigningKey;
use disclosure::merkle::{leaf_hash, root_of};
use disclosure::note::{KeyName, NoteSigner};
use disclosure::proof::consistency_proof;
use disclosure::tile::RightEdge;
use tempfile::TempDir;

use super::*;

pub(crate) const ORIGIN: &str = "example.com/water";
const COSIGNED_AT: u64 = 1_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn log_key() -> VerifierKey {
    NoteSigner::new(KeyName::new(ORIGIN).unwrap(), key(1)).verifier_key()
}

/// A witness's folder, and a log that has one history, or another from some entry on.
pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::create(folder.path()).unwrap());
        Self { folder }
    }

    fn open(&self, cosigner: Cosigner) -> Result<Witness, OpenError> {
        // Each look at the clock is a minute after the one before, from a minute before the first.
        let looks = Mutex::new(COSIGNED_AT);
        let clock = move || {
            let mut now = looks.lock().unwrap();
            *now += 60;
            *now - 60
        };
        Witness::open(Folder::open(self.folder.path())?, cosigner, &[log_key()], Arc::new(clock))
    }

    fn cosigner() -> Cosigner {
        Cosigner::new(KeyName::new("w.example.com").unwrap(), key(2))
    }

    pub(crate) fn witness(&self) -> Witness {
        self.open(Self::cosigner()).unwrap()
    }

    #[expect(clippy::unused_self, reason = "the scene's witness")]
    pub(crate) fn vkey(&self) -> VerifierKey {
        Self::cosigner().verifier_key()
    }

    /// From `old` to `new` entries of the history that is another one from entry `fork` on.
    #[expect(clippy::unused_self, reason = "the scene's log")]
    pub(crate) fn request(&self, old: u64, new: u64, fork: u64) -> AddCheckpoint {
        request(ORIGIN, 1, old, new, fork)
    }

    #[expect(clippy::unused_self, reason = "a log beside the scene's")]
    pub(crate) fn of_unknown_log(&self) -> AddCheckpoint {
        request("example.com/other", 1, 0, 5, 9)
    }

    #[expect(clippy::unused_self, reason = "a stranger to the scene's log")]
    pub(crate) fn unsigned(&self) -> AddCheckpoint {
        request(ORIGIN, 7, 0, 5, 9)
    }
}

fn request(origin: &str, seed: u8, old: u64, new: u64, fork: u64) -> AddCheckpoint {
    let leaf = |n: u64| leaf_hash(format!("{n}{}", if n < fork { "" } else { "*" }).as_bytes());
    let leaves: Vec<Hash> = (0..new).map(leaf).collect();
    let mut edge = RightEdge::new();
    for leaf in &leaves {
        edge.append(*leaf);
    }
    let tiles: BTreeMap<_, _> =
        edge.changed_tiles().into_iter().map(|(l, i, bytes)| ((l, i), bytes)).collect();
    let proof = consistency_proof(old, new, &tiles).unwrap();
    let checkpoint = Checkpoint::new(origin, new, root_of(&leaves));
    let note = SignedNote::parse(&checkpoint.sign(&key(seed)).unwrap()).unwrap();
    AddCheckpoint::new(old, proof, note).unwrap()
}

fn size(witness: &Witness) -> u64 {
    witness.status()[0].size
}

fn refusal(added: Result<NoteSignature, AddError>) -> Refusal {
    match added {
        Err(AddError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_cosigned_is_known_after_a_new_start() {
    let scene = Scene::new();
    let witness = scene.witness();
    witness.add_checkpoint(&scene.request(0, 3, 9).to_bytes()).unwrap();
    witness.add_checkpoint(&scene.request(3, 5, 9).to_bytes()).unwrap();
    let before = witness.status();
    drop(witness);
    let witness = scene.witness();
    assert_eq!(witness.status(), before);
    let refused = refusal(witness.add_checkpoint(&scene.request(3, 7, 9).to_bytes()));
    assert_eq!(refused, Refusal::OtherSize { seen: 5, old: 3 });
    // The answer may have been lost on its way: the same checkpoint is cosigned again.
    witness.add_checkpoint(&scene.request(5, 5, 9).to_bytes()).unwrap();
    witness.add_checkpoint(&scene.request(5, 7, 9).to_bytes()).unwrap();
    assert_eq!(size(&witness), 7);
}

#[test]
fn nothing_is_cosigned_that_could_not_be_stored() {
    let scene = Scene::new();
    let witness = scene.witness();
    witness.add_checkpoint(&scene.request(0, 3, 9).to_bytes()).unwrap();
    // A folder lies where the new file would be written first.
    let beside = witness.folder.log_path(ORIGIN).with_extension("new");
    std::fs::create_dir(&beside).unwrap();
    let failed = witness.add_checkpoint(&scene.request(3, 5, 9).to_bytes());
    assert!(matches!(failed, Err(AddError::Failed(OpenError::State(StateError::Io { .. })))));
    assert_eq!(size(&witness), 3);
    std::fs::remove_dir(&beside).unwrap();
    witness.add_checkpoint(&scene.request(3, 6, 9).to_bytes()).unwrap();
    assert_eq!(size(&witness), 6);
}

#[test]
fn of_many_requests_at_once_one_history_is_cosigned() {
    let scene = Scene::new();
    let witness = scene.witness();
    let cosigned: Vec<u64> = std::thread::scope(|scope| {
        let ask = |fork: u64| {
            let (witness, body) = (&witness, scene.request(0, 5, fork).to_bytes());
            scope.spawn(move || witness.add_checkpoint(&body).is_ok().then_some(fork))
        };
        let asked: Vec<_> = (0..5).chain(0..5).map(ask).collect();
        asked.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(cosigned.len(), 1, "{cosigned:?}");
}

#[test]
fn two_checkpoints_of_one_size_are_kept_as_proof() {
    let scene = Scene::new();
    let witness = scene.witness();
    witness.add_checkpoint(&scene.request(0, 5, 9).to_bytes()).unwrap();
    let fork = scene.request(5, 5, 3);
    assert_eq!(refusal(witness.add_checkpoint(&fork.to_bytes())), Refusal::OtherRoot(5));
    let forks = std::fs::read_dir(scene.folder.path().join("forks")).unwrap();
    let mut roots: Vec<Hash> = forks
        .map(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            Checkpoint::open(&bytes, &log_key()).unwrap().root
        })
        .collect();
    roots.sort_unstable();
    let mut expected = [scene.request(5, 5, 9).checkpoint().root, fork.checkpoint().root];
    expected.sort_unstable();
    assert_eq!(roots, expected);
    let [status] = &witness.status()[..] else { panic!("one log") };
    assert_eq!((status.size, status.refused), (5, 1));
    assert!(status.last_refusal.as_deref().unwrap().contains("forked"));
}

#[test]
fn a_shrunk_log_counts_as_refused_and_a_question_does_not() {
    let scene = Scene::new();
    let witness = scene.witness();
    witness.add_checkpoint(&scene.request(0, 5, 9).to_bytes()).unwrap();
    refusal(witness.add_checkpoint(&scene.request(0, 7, 9).to_bytes()));
    refusal(witness.add_checkpoint(&scene.unsigned().to_bytes()));
    assert_eq!(witness.status()[0].refused, 0);
    refusal(witness.add_checkpoint(&scene.request(3, 3, 9).to_bytes()));
    assert_eq!(witness.status()[0].refused, 1);
}

#[test]
fn a_log_may_have_two_keys() {
    let scene = Scene::new();
    let other = NoteSigner::new(KeyName::new(ORIGIN).unwrap(), key(7)).verifier_key();
    let folder = Folder::open(scene.folder.path()).unwrap();
    let keys = [log_key(), other];
    let witness = Witness::open(folder, Scene::cosigner(), &keys, Arc::new(|| 1)).unwrap();
    witness.add_checkpoint(&scene.unsigned().to_bytes()).unwrap();
    witness.add_checkpoint(&scene.request(5, 7, 9).to_bytes()).unwrap();
}

#[test]
fn rejects_no_logs_and_keys_that_are_no_logs() {
    let scene = Scene::new();
    let open = |keys: &[VerifierKey]| {
        let folder = Folder::open(scene.folder.path()).unwrap();
        Witness::open(folder, Scene::cosigner(), keys, Arc::new(|| 1)).unwrap_err()
    };
    assert!(matches!(open(&[]), OpenError::NoLogs));
    assert!(matches!(open(&[scene.vkey()]), OpenError::NotALogKey(_)));
    let many = vec![log_key(); MAX_LOGS + 1];
    assert!(matches!(open(&many), OpenError::TooManyLogs));
}

#[test]
fn rejects_state_that_it_did_not_sign() {
    let scene = Scene::new();
    let witness = scene.witness();
    witness.add_checkpoint(&scene.request(0, 5, 9).to_bytes()).unwrap();
    let file = witness.folder.log_path(ORIGIN);
    drop(witness);
    let other_key = Cosigner::new(KeyName::new("w.example.com").unwrap(), key(3));
    let refused = scene.open(other_key).unwrap_err();
    assert!(refused.to_string().contains("never delete"), "{refused}");
    let kept = std::fs::read_to_string(&file).unwrap();
    for changed in [kept.replace("\n5\n", "\n4\n"), String::new()] {
        std::fs::write(&file, changed).unwrap();
        let refused = scene.open(Scene::cosigner());
        assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{refused:?}");
    }
}
