//! Entries that may not stand where they do.

use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{
    Act, BILLS_MEDIA_TYPE, KeyAct, RevocationReason, Statement, Watering, WateringFacts,
};
use domain::{Fen, Litres};

use super::{audited, finds, finds_only, settled};
use crate::testing::{People, Person, TestLog, TestMeter, id};
use crate::{Place, Report, Rule};

/// A founded log, and a watering of east that could be posted.
fn drafted() -> (TestLog, WateringFacts) {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(4);
    let facts = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T01:10:00Z");
    (log, facts)
}

/// A watering that names and bears the signatures of these people.
fn sealed(facts: &WateringFacts, signers: &[&Person]) -> Envelope {
    let head = TestLog::head(signers);
    TestLog::seal(&Statement::Watering(Watering { head, watering: facts.clone() }), signers)
}

/// What the audit says of a drafted watering that these people of the district signed.
fn audit_signed(signers: impl Fn(&TestLog) -> Vec<Person>) -> Report {
    let (mut log, facts) = drafted();
    let signers = signers(&log);
    let signers: Vec<&Person> = signers.iter().collect();
    log.force(sealed(&facts, &signers).to_json());
    audited(&log)
}

/// What the audit says of a watering that was bent after drafting and signed by the right people.
fn audit_bent(bend: impl Fn(&mut WateringFacts)) -> Report {
    let (mut log, mut facts) = drafted();
    bend(&mut facts);
    let entry = log.seal_watering(facts).to_json();
    log.force(entry);
    audited(&log)
}

const NEXT: Place = Place::Entry(9);

#[test]
fn rejects_a_watering_signed_by_one_side() {
    let report = audit_signed(|log| vec![log.people.station.clone()]);
    finds_only(&report, &NEXT, Rule::SignaturesMissing);
    let report = audit_signed(|log| vec![log.people.east.clone()]);
    finds_only(&report, &NEXT, Rule::SignaturesMissing);
    let report = audit_signed(|_| Vec::new());
    finds_only(&report, &NEXT, Rule::SignaturesMissing);
}

#[test]
fn rejects_one_person_twice() {
    let (station, east) =
        (|log: &TestLog| log.people.station.clone(), |log: &TestLog| log.people.east.clone());
    let report = audit_signed(|log| vec![station(log), east(log), east(log)]);
    finds_only(&report, &NEXT, Rule::Signature);
}

#[test]
fn rejects_one_person_under_two_keys_and_roles() {
    let (mut log, facts) = drafted();
    let People { roots, station, .. } = log.people.clone();
    let mut twin = log.people.east.clone();
    twin.person = station.person.clone();
    twin.key = SigningKey::from_bytes(&[51; 32]);
    let roots = [&roots[0], &roots[1]];
    log.post(&TestLog::seal(&Statement::Key(twin.enrolment(&roots)), &roots));
    let index = log.force(sealed(&facts, &[&station, &twin]).to_json());
    finds_only(&audited(&log), &Place::Entry(index), Rule::Signature);
}

#[test]
fn rejects_a_cadre_of_another_village() {
    let report = audit_signed(|log| vec![log.people.station.clone(), log.people.west.clone()]);
    finds_only(&report, &NEXT, Rule::Signature);
}

#[test]
fn rejects_a_recused_cadre() {
    let report = audit_signed(|log| vec![log.people.station.clone(), log.people.farmer.clone()]);
    finds_only(&report, &NEXT, Rule::Signature);
    assert!(report.findings[0].says.contains("recused"), "{report}");
}

#[test]
fn rejects_a_root_in_place_of_a_cadre() {
    let report = audit_signed(|log| vec![log.people.roots[0].clone(), log.people.station.clone()]);
    finds_only(&report, &NEXT, Rule::Signature);
}

#[test]
fn rejects_signatures_in_another_order() {
    let report = audit_signed(|log| vec![log.people.east.clone(), log.people.station.clone()]);
    finds_only(&report, &NEXT, Rule::Signature);
}

#[test]
fn rejects_a_key_that_nobody_enrolled() {
    let report = audit_signed(|log| {
        let mut stranger = log.people.east.clone();
        stranger.key = SigningKey::from_bytes(&[52; 32]);
        vec![log.people.station.clone(), stranger]
    });
    finds_only(&report, &NEXT, Rule::Signature);
}

#[test]
fn rejects_a_signer_whom_the_statement_does_not_name() {
    let (mut log, facts) = drafted();
    let People { station, east, .. } = log.people.clone();
    let head = TestLog::head(&[&station]);
    let statement = Statement::Watering(Watering { head, watering: facts });
    log.force(TestLog::seal(&statement, &[&station, &east]).to_json());
    finds_only(&audited(&log), &NEXT, Rule::Signature);
}

#[test]
fn rejects_a_signature_over_another_statement() {
    let (mut log, facts) = drafted();
    let mut envelope = log.seal_watering(facts.clone());
    let mut other = facts;
    other.turn = id("t9");
    envelope.signatures = log.seal_watering(other).signatures;
    log.force(envelope.to_json());
    finds_only(&audited(&log), &NEXT, Rule::Signature);
}

#[test]
fn rejects_a_revoked_key_from_its_revocation_on() {
    let (mut log, facts) = drafted();
    log.post_watering(facts);
    let People { roots, east, .. } = log.people.clone();
    let roots = [&roots[0], &roots[1]];
    let key = PublicKey::of(&east.key).fingerprint();
    let act = Act::Revoke { key, reason: RevocationReason::Lost };
    let revocation = Statement::Key(KeyAct { head: TestLog::head(&roots), act });
    log.post(&TestLog::seal(&revocation, &roots));
    assert!(audited(&log).holds());
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t2", "2016-05-01T01:10:00Z", "2016-05-01T02:10:00Z");
    let index = log.force(log.seal_watering(facts).to_json());
    finds_only(&audited(&log), &Place::Entry(index), Rule::Signature);
}

#[test]
fn rejects_a_key_that_is_enrolled_only_later() {
    let (mut log, facts) = drafted();
    let People { roots, station, .. } = log.people.clone();
    let roots = [&roots[0], &roots[1]];
    let mut late = Person::new("east-3", station.role, None, 53);
    late = Person { role: log.people.east.role, village: Some(id("east")), ..late };
    log.force(sealed(&facts, &[&station, &late]).to_json());
    log.force(TestLog::seal(&Statement::Key(late.enrolment(&roots)), &roots).to_json());
    let report = audited(&log);
    finds(&report, &NEXT, Rule::Signature);
    finds(&report, &Place::Log, Rule::NotJudged);
    assert_eq!(report.findings.len(), 2, "{report}");
}

#[test]
fn rejects_a_key_enrolled_by_one_root() {
    let mut log = TestLog::founded();
    let People { roots, .. } = log.people.clone();
    let person = Person::new("station-2", log.people.station.role, None, 54);
    let statement = Statement::Key(person.enrolment(&[&roots[0]]));
    log.force(TestLog::seal(&statement, &[&roots[0]]).to_json());
    finds_only(&audited(&log), &NEXT, Rule::SignaturesMissing);
}

#[test]
fn rejects_wrong_shares() {
    let report = audit_bent(|facts| {
        facts.shares[0].litres = facts.shares[0].litres + Litres(1);
        facts.shares[1].litres = facts.shares[1].litres - Litres(1);
    });
    finds_only(&report, &NEXT, Rule::Shares);
    let report = audit_bent(|facts| facts.shares[0].household = id("201"));
    finds_only(&report, &NEXT, Rule::Shares);
}

#[test]
fn rejects_what_does_not_fit_the_record() {
    for bend in [
        (|facts| facts.outlet = id("e9")) as fn(&mut WateringFacts),
        |facts| facts.outlet = id("w1"),
        |facts| facts.village = id("west"),
        |facts| facts.end = facts.start,
        |facts| facts.evidence[0].last_report = 0,
    ] {
        finds(&audit_bent(bend), &NEXT, Rule::Content);
    }
}

#[test]
fn rejects_a_second_watering_of_the_same_time() {
    let (mut log, facts) = drafted();
    log.post_watering(facts.clone());
    let index = log.force(log.seal_watering(facts).to_json());
    finds_only(&audited(&log), &Place::Entry(index), Rule::Content);
}

#[test]
fn rejects_wrong_bills() {
    let mut log = settled();
    log.entries.pop();
    log.record = crate::audit_with(&log.export(), &crate::Settings::default()).1;
    let right = log.draft_bill_run("east");
    let bills = log.attachments.remove(&right.bills.sha256).unwrap();
    let cheaper = String::from_utf8(bills).unwrap().replacen("3360", "3359", 1);
    let mut run = right.clone();
    run.bills = log.attach(BILLS_MEDIA_TYPE, cheaper.into_bytes());
    log.force(log.seal_bill_run(run).to_json());
    let report = audited(&log);
    finds_only(&report, &Place::Entry(12), Rule::Bills);
    assert!(report.findings[0].says.contains("household 101"), "{report}");
}

#[test]
fn rejects_a_bill_run_with_another_total_or_other_waterings() {
    for bend in [
        (|run| run.total_fen = run.total_fen + Fen(1)) as fn(&mut disclosure::statement::BillRun),
        |run| run.households += 1,
        |run| run.year = 2017,
        |run| run.round = None,
        |run| run.waterings.truncate(1),
    ] {
        let mut log = settled();
        log.entries.pop();
        log.record = crate::audit_with(&log.export(), &crate::Settings::default()).1;
        let mut run = log.draft_bill_run("east");
        bend(&mut run);
        log.force(log.seal_bill_run(run).to_json());
        finds_only(&audited(&log), &Place::Entry(12), Rule::Bills);
    }
}

#[test]
fn rejects_an_entry_in_another_spelling() {
    let (mut log, facts) = drafted();
    let envelope = log.seal_watering(facts);
    let mut entry = envelope.to_json();
    log.post(&envelope);
    entry.insert(1, b' ');
    log.entries[9] = entry;
    finds_only(&audited(&log), &NEXT, Rule::EnvelopeBytes);
}

#[test]
fn rejects_what_is_not_an_envelope_or_a_statement() {
    let mut log = TestLog::founded();
    log.force(b"water".to_vec());
    finds_only(&audited(&log), &NEXT, Rule::Envelope);
    let mut log = TestLog::founded();
    log.force(Envelope::unsigned("text/plain", "water").to_json());
    finds_only(&audited(&log), &NEXT, Rule::Statement);
}

#[test]
fn rejects_attachments_under_another_media_type() {
    let report = audit_bent(|facts| facts.evidence[0].reports.media_type = "text/html".to_owned());
    finds_only(&report, &NEXT, Rule::AttachmentType);
}

#[test]
fn rejects_a_log_without_genesis() {
    let mut log = TestLog::founded();
    log.entries.remove(0);
    let report = audited(&log);
    finds(&report, &Place::Entry(0), Rule::Content);
    finds(&report, &Place::Log, Rule::NotJudged);
}

#[test]
fn rejects_a_change_of_the_root_keys() {
    let mut log = TestLog::founded();
    let People { roots, .. } = log.people.clone();
    let mut second = log.genesis();
    second.roots.pop();
    second.roots.push(Person::new("root-3", roots[0].role, None, 3).root());
    let roots = [&roots[0], &roots[1]];
    log.force(TestLog::seal(&Statement::District(second), &roots).to_json());
    finds_only(&audited(&log), &NEXT, Rule::Key);
}

#[test]
fn checks_the_form_of_what_follows_a_refused_entry() {
    let mut log = settled();
    log.entries[9] = b"{}".to_vec();
    log.entries[11].insert(1, b' ');
    let report = audited(&log);
    finds(&report, &NEXT, Rule::Envelope);
    finds(&report, &Place::Entry(11), Rule::EnvelopeBytes);
    finds(&report, &Place::Log, Rule::NotJudged);
    assert_eq!(report.entries_judged, 9);
    assert!(report.to_string().contains("entries 10 to 12 were checked for their form alone"));
}
