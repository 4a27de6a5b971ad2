//! One suite for both engines: every public method has a case, and every case runs on SQLite and on PostgreSQL.
//!
//! A case gets a store of its own district in a database that it shares with the other cases, as
//! districts do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod appending;
mod archiving;
mod board;
mod evidence;
mod gaps;
mod ground;
mod invitations;
mod log;
mod months;
mod opening;
mod payments;
mod posting;
mod proposals;
mod quarantine;
mod receipts;
mod reports;
mod rounds;
mod schema;
mod sessions;
mod statements;
mod upgrading;
mod watch;
mod waterings;

use ground::{Ground, run};

/// The cases by name.
macro_rules! cases {
    ($($module:ident: $($case:ident)+;)+) => {
        vec![$($((
            concat!(stringify!($module), "::", stringify!($case)),
            (|ground| Box::pin($module::$case(ground))) as ground::Case,
        )),+),+]
    };
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn suite() -> Vec<(&'static str, ground::Case)> {
    cases![
        opening:
            answers_and_names_its_schema
            keeps_everything_over_a_restart
            districts_do_not_see_each_other
            a_value_nobody_wrote_is_corrupt;
        reports:
            reads_back_what_it_stored
            the_same_bytes_again_are_a_duplicate
            other_bytes_under_one_number_go_into_quarantine
            rejects_a_number_that_cannot_be
            rejects_a_batch_that_is_too_long
            a_large_batch_goes_in_whole
            numbers_far_apart_are_read_in_their_order
            finds_the_evidence_of_a_span
            tells_what_each_meter_did;
        evidence:
            a_span_is_found_whatever_the_clock_did
            a_clock_that_jumped_back_is_noticed;
        receipts:
            a_receipt_stops_at_the_first_gap
            any_order_ends_in_the_same_receipt
            a_long_run_is_caught_up_at_once
            two_servers_lose_nothing;
        gaps:
            gaps_open_and_close
            gaps_are_what_was_not_sent
            many_gaps_are_read_up_to_a_limit;
        appending:
            an_envelope_is_kept_once
            appended_reports_follow_each_other
            what_is_not_made_takes_no_number
            rejects_more_to_append_than_a_batch_holds
            an_appended_report_follows_a_devices
            two_servers_make_one_chain;
        archiving:
            old_reports_are_found_and_read_by_month
            what_an_instant_needs_stays
            archived_reports_are_gone_and_known
            removing_again_changes_nothing
            rejects_a_removal_that_takes_too_long
            restored_reports_are_as_they_were
            a_late_report_is_held_against_what_archiving_left
            an_archived_envelope_is_still_known
            late_reports_of_a_month_survive_its_archiving;
        quarantine:
            keeps_the_beginning_and_the_size
            takes_text_that_a_database_would_refuse
            keeps_the_newest_and_counts_all;
        rounds:
            a_round_is_entered_once
            a_turn_goes_from_open_to_drafted
            rejects_a_second_turn_at_an_outlet
            a_turn_is_logged_between_others
            a_turn_is_amended_until_a_statement_stands_on_it
            rejects_a_turn_of_no_round
            a_replayed_request_is_known;
        statements:
            reads_back_a_statement
            a_draft_can_be_replaced_until_it_is_signed
            signatures_gather_by_compare_and_swap
            a_statement_enters_with_all_its_signatures_or_not_at_all
            rejects_a_second_signature_of_one_key
            a_refusal_frees_the_turn
            a_refusal_reads_as_it_was_made
            rejects_a_statement_of_an_open_turn
            lists_by_state_and_village;
        log:
            a_new_log_is_empty
            entries_read_back
            a_right_edge_has_exactly_its_hashes
            a_checkpoint_only_moves_forward
            rejects_a_checkpoint_of_entries_not_stored
            exports_attachments_of_posted_statements;
        posting:
            a_posting_moves_the_head
            of_two_posters_one_wins
            a_failing_posting_leaves_nothing
            rejects_a_statement_that_is_not_co_signed
            rejects_indices_that_do_not_follow;
        waterings:
            a_watering_is_read_with_its_shares
            a_correction_supersedes
            a_correction_holds_of_its_turn
            rejects_a_second_correction_of_one_watering
            a_household_finds_its_shares;
        board:
            totals_follow_the_postings
            bills_read_back
            many_bills_go_in_whole
            names_stand_beside_the_log;
        payments:
            a_payment_reads_back_with_its_receipt
            the_same_request_again_records_nothing
            a_taken_reference_stops_the_whole_request
            a_reversed_payment_stays_and_does_not_count
            two_servers_leave_no_gap
            rejects_more_payments_than_a_request_holds
            a_payment_nobody_wrote_is_corrupt
            what_is_owed_is_billed_less_what_counts
            what_is_owed_is_read_by_number_or_balance
            a_villages_money_adds_up_by_year;
        invitations:
            a_code_is_used_once;
        sessions:
            a_challenge_is_answered_once
            the_oldest_challenge_gives_way
            a_session_ends_by_itself_or_when_asked
            the_oldest_session_of_a_key_gives_way;
        alarms:
            an_alarm_is_raised_seen_again_and_cleared
            the_most_urgent_stands_first
            an_acknowledged_alarm_says_by_whom
            a_cause_nobody_wrote_is_corrupt;
        proposals:
            a_flow_is_one_proposal_however_often_it_is_told
            a_turn_that_overlaps_takes_a_proposal_away
            a_proposal_is_decided_once;
        watch:
            a_meter_is_looked_at_when_something_came
            a_meter_is_looked_at_when_its_time_comes
            an_entry_by_hand_is_something_that_came
            of_two_servers_one_takes_a_step
            rejects_too_many_steps;
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mingqu.db");
    run(&Ground::new(format!("sqlite:{}", file.display())), suite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let server = store::testing::PostgresServer::start().await.unwrap();
    run(&Ground::new(server.create_database("suite").await.unwrap()), suite()).await;

    schema::both_engines_have_the_same_tables(&server).await;
    let newer = server.create_database("newer").await.unwrap();
    opening::refuses_a_newer_schema(&newer).await;
    let months = server.create_database("months").await.unwrap();
    months::postgres_makes_and_clears_months(&months).await;
    let alone = Ground::new(server.create_database("alone").await.unwrap());
    archiving::late_reports_of_a_month_survive_its_archiving(alone).await;
    let old = server.create_database("old").await.unwrap();
    upgrading::postgres_keeps_everything_over_an_upgrade(&old).await;
}
