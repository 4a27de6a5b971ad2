//! Water that ran without a turn: proposed, accepted, dismissed, and in the water account.

use audit::testing::TestMeter;
use domain::Litres;
use domain::progress::Progress;
use service::board::{self, Proposal};
use service::past_turns::{MAX_PAST_TURNS, PastTurn, TurnPreview};
use service::request::Ask;
use service::{Answer, ErrorClass, ServiceError};

use crate::{Town, at, id, round, turn};

impl Town {
    async fn proposals(&self) -> Vec<Proposal> {
        board::proposals(&self.service, None).await.unwrap()
    }

    async fn ask_station(&self, ask: Ask) -> Result<Answer, ServiceError> {
        self.ask(&self.log.people.station, ask).await
    }
}

/// A town whose east meter saw water run from midnight to 05:50.
async fn flowing() -> Town {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    town.watch().await;
    town
}

#[tokio::test]
async fn a_proposal_becomes_a_turn_and_then_a_draft() {
    let town = flowing().await;
    let proposal = town.proposals().await.remove(0);
    assert_eq!((proposal.from, proposal.to, proposal.running), (at("00:00"), at("05:50"), true));
    assert_eq!(proposal.litres, Litres(129_500));
    assert!(proposal.curve.as_ref().unwrap().points.len() > 10);
    let proposed = proposal.turn.clone().unwrap();
    assert_eq!((proposed.round.clone(), proposed.opened_at), (id("2016-1"), at("00:00")));

    let accept = Ask::LogTurn {
        turn: proposed.clone(),
        closed_at: at("05:40"),
        proposal: Some(proposal.id),
    };
    let first = town.ask_station(accept.clone()).await.unwrap();
    assert!(matches!(first, Answer::Entered { .. }), "{first:?}");
    assert_eq!(town.proposals().await, []);
    assert_eq!(town.ask_station(accept).await.unwrap(), first);
    town.service.draft_due().await.unwrap();
    assert_eq!(town.in_state(Progress::Draft).await.len(), 1);

    let again = Ask::LogTurn { turn: proposed, closed_at: at("05:00"), proposal: None };
    let error = town.ask_station(again).await.unwrap_err();
    assert!(matches!(error, ServiceError::Exists { what: "turn", .. }), "{error}");
    let view = board::turns(&town.service, None).await.unwrap();
    assert_eq!((view.open.len(), view.unposted.len()), (0, 1));
    assert_eq!(view.unposted[0].volume, Litres(125_800));
}

#[tokio::test]
async fn a_turn_by_hand_needs_no_proposal_and_fits_between_others() {
    let town = flowing().await;
    town.turn("t1", "e1", "01:00", "02:00").await;
    assert_eq!(town.proposals().await, []);
    town.open_turn(turn("t3", "e1", "04:00")).await.unwrap();
    let log = |opened: &str, closed: &str| Ask::LogTurn {
        turn: turn("t2", "e1", opened),
        closed_at: at(closed),
        proposal: None,
    };
    for (opened, closed) in [("01:59", "03:00"), ("03:00", "04:01"), ("00:00", "05:00")] {
        let error = town.ask_station(log(opened, closed)).await.unwrap_err();
        assert!(matches!(error, ServiceError::OutletTaken { .. }), "{opened}: {error}");
        assert_eq!(error.class(), ErrorClass::Conflict);
    }
    let error = town.ask_station(log("03:00", "03:00")).await.unwrap_err();
    assert!(matches!(error, ServiceError::Round(_)), "{error}");
    town.ask_station(log("02:00", "04:00")).await.unwrap();
    town.close_turn("t3", "05:00").await.unwrap();
    town.service.draft_due().await.unwrap();
    assert_eq!(town.in_state(Progress::Draft).await.len(), 3);
}

#[tokio::test]
async fn of_two_turns_entered_at_once_the_later_is_told_of_the_other() {
    let town = flowing().await;
    for hour in 1..=3 {
        let log = |code: &str| Ask::LogTurn {
            turn: turn(&format!("{code}{hour}"), "e1", &format!("0{hour}:00")),
            closed_at: at(&format!("0{hour}:30")),
            proposal: None,
        };
        let (one, other) = tokio::join!(town.ask_station(log("a")), town.ask_station(log("b")));
        let refused = one.as_ref().err().xor(other.as_ref().err());
        let refused = refused.unwrap_or_else(|| panic!("{one:?} {other:?}"));
        assert_eq!(refused.class(), ErrorClass::Conflict, "{refused}");
    }
}

#[tokio::test]
async fn rejects_a_log_in_the_future_and_by_a_cadre() {
    let town = flowing().await;
    town.set_clock(at("03:00"));
    let log =
        Ask::LogTurn { turn: turn("t1", "e1", "01:00"), closed_at: at("04:00"), proposal: None };
    let error = town.ask_station(log.clone()).await.unwrap_err();
    assert!(matches!(error, ServiceError::InFuture { .. }), "{error}");
    let error = town.ask(&town.log.people.east, log).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
}

#[tokio::test]
async fn rejects_a_proposal_of_other_water() {
    let town = flowing().await;
    let known = town.proposals().await[0].id;
    let with = |code: &str, outlet: &str, opened: &str, closed: &str, proposal: i64| Ask::LogTurn {
        turn: turn(code, outlet, opened),
        closed_at: at(closed),
        proposal: Some(proposal),
    };
    let error = town.ask_station(with("t1", "e1", "00:00", "05:00", 99)).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownProposal(99)), "{error}");
    for other in
        [with("t1", "w1", "00:00", "05:00", known), with("t1", "e1", "05:50", "06:30", known)]
    {
        let error = town.ask_station(other).await.unwrap_err();
        assert!(matches!(error, ServiceError::OtherProposal { .. }), "{error}");
    }
    let dismiss = |reason: &str| Ask::DismissProposal { proposal: known, reason: reason.into() };
    assert!(town.ask_station(dismiss("")).await.is_err());
    assert_eq!(town.ask_station(dismiss("渠道冲洗")).await.unwrap(), Answer::Done);
    assert_eq!(town.ask_station(dismiss("渠道冲洗")).await.unwrap(), Answer::Done);
    assert_eq!(town.proposals().await, []);
    for decided in [dismiss("别的原因"), with("t1", "e1", "00:00", "05:00", known)] {
        let error = town.ask_station(decided).await.unwrap_err();
        assert!(matches!(error, ServiceError::ProposalDecided(_)), "{error}");
    }
    let unknown = Ask::DismissProposal { proposal: 99, reason: "没有".into() };
    let error = town.ask_station(unknown).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownProposal(99)), "{error}");
}

#[tokio::test]
async fn the_water_account_adds_up_while_the_round_runs_and_after() {
    let town = flowing().await;
    town.turn("t1", "e1", "01:00", "02:00").await;
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    town.turn("t2", "e1", "02:00", "03:00").await;
    town.service.draft_due().await.unwrap();
    town.open_turn(turn("t3", "e1", "05:00")).await.unwrap();
    let accounts = board::balance_of(&town.service, &id("east"), &round().id).await.unwrap();
    let accounts = accounts.unwrap();
    assert_eq!(accounts.len(), 1);
    let account = accounts[0].account.as_ref().unwrap().as_ref().unwrap();
    assert_eq!((account.from, account.to), (at("00:00"), at("05:50")));
    assert_eq!((account.metered, account.posted), (Litres(129_500), Litres(22_200)));
    // An hour that waits for signatures, and fifty minutes of a gate that is still open.
    assert_eq!(account.unposted, Litres(22_200 + 18_500));
    assert_eq!(account.unattributed, Litres(22_200 + 44_400));
    assert!(accounts[0].running);
    let page = board::round(&town.service, &id("east"), &round().id, None).await.unwrap().unwrap();
    assert_eq!(page.balances, accounts);
    let view = board::turns(&town.service, None).await.unwrap();
    assert_eq!(view.open[0].so_far, Some((Litres(18_500), at("05:50"))));
    let unknown = board::balance_of(&town.service, &id("east"), &id("2031-1")).await.unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn turns_are_looked_at_before_anybody_signs_for_them() {
    let town = flowing().await;
    town.turn("t1", "e1", "01:00", "02:00").await;
    let past = |code: &str, outlet: &str, opened: &str, closed: &str| PastTurn {
        turn: turn(code, outlet, opened),
        closed_at: at(closed),
    };
    let turns = [
        past("t1", "e1", "01:00", "02:00"),
        past("t1", "e1", "01:00", "02:30"),
        past("t2", "e1", "02:00", "03:00"),
        past("t3", "e1", "01:30", "03:00"),
        past("t4", "nowhere", "01:30", "03:00"),
    ];
    let previews = town.service.preview_turns(&turns).await.unwrap();
    assert_eq!(previews[0], TurnPreview::Known);
    assert_eq!(previews[2], TurnPreview::New);
    for (preview, word) in [(1, "t1 exists already"), (3, "had turn t1"), (4, "nowhere")] {
        let TurnPreview::Refused { reason } = &previews[preview] else { panic!("{previews:?}") };
        assert!(reason.contains(word), "{reason}");
    }
    // Nothing was entered.
    assert_eq!(town.service.preview_turns(&turns).await.unwrap(), previews);
    let many = vec![turns[2].clone(); MAX_PAST_TURNS + 1];
    let error = town.service.preview_turns(&many).await.unwrap_err();
    assert!(matches!(error, ServiceError::TooLarge { .. }), "{error}");
}
