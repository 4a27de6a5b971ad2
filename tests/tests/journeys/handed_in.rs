//! What comes in without a signing meter: a device behind an adapter, and a clerk's files.

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use crate::harness::{Finished, Site, free_port, gbk, mingqu, wait_for};
use crate::township::{CADRES, STATION, Server, Township, Waiting, audit_holds};

const UP: &str = include_str!("../../../crates/mqtt/vectors/chirpstack/up-object.json");
const ADAPTER: &str = "\n[[adapter]]\nkind = \"chirpstack\"\n\
    devices = { 24e124136b502217 = \"sim-000002\" }\n\
    value = { pointer = \"/object/total_m3\", scale = \"1000\" }\n";

/// `mingqu import WHAT FILE --server URL --key STATION`, with further flags.
fn import(township: &Township, site: &Site, what: &str, file: &str, flags: &[&str]) -> Finished {
    Finished::of(
        mingqu()
            .args(["import", what])
            .arg(township.file(file))
            .args(["--server", site.base(), "--key"])
            .arg(township.key_file(STATION.key))
            .args(flags),
    )
}

/// Publishes to the server's endpoint and waits for the acknowledgements.
fn publish(server: &Server, messages: &[(&str, String)]) {
    let (host, port) = server.meters.split_once(':').unwrap();
    let options = MqttOptions::new("chirpstack", host, port.parse().unwrap());
    let (client, mut connection) = Client::new(options, 16);
    for (event, payload) in messages {
        let topic = format!("application/wells/device/24e124136b502217/event/{event}");
        client.publish(topic, QoS::AtLeastOnce, false, payload.clone()).unwrap();
    }
    let acknowledged = connection
        .iter()
        .filter(|event| matches!(event, Ok(Event::Incoming(Packet::PubAck(_)))))
        .take(messages.len());
    assert_eq!(acknowledged.count(), messages.len());
}

/// An uplink of this time with this many cubic metres.
fn uplink(id: &str, time: &str, cubic_metres: &str) -> String {
    UP.replace("3ac7e3c4-4401-4b8d-9386-a5c902f9202d", id)
        .replace("2016-05-01T06:00:00.775023242+00:00", time)
        .replace("4720.6", cubic_metres)
}

/// Posts that the township's own gateway vouches for the second well's meter.
fn vouch_for_the_second_well(township: &Township, site: &Site) {
    let gateway =
        Finished::of(mingqu().args(["keys", "show"]).arg(township.data().join("gateway.key")));
    let gateway = gateway.ended_with(0).json();
    let mut registry = township.registry();
    let mut meters = registry["meters"].as_array().unwrap().clone();
    let mut meter = meters.remove(1);
    meter["origin"] = json!("gateway-vouched");
    meter["keys"][0]["key"] = gateway["key"].clone();
    for (list, kept) in
        [("villages", json!([])), ("outlets", json!([])), ("meters", json!([meter]))]
    {
        registry[list] = kept;
    }
    township.post(site, "registry", &registry, &["bureau", STATION.key], &[]);
}

#[test]
fn a_device_that_does_not_sign_is_vouched_for_and_billed_like_any_other() {
    let township = Township::prepare(2);
    let file = township.data().join("mingqu.toml");
    let configured = std::fs::read_to_string(&file).unwrap() + ADAPTER;
    std::fs::write(&file, configured).unwrap();
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    let early = uplink("a0", "2024-04-02T00:00:00Z", "10.5");
    publish(&server, &[("up", early.clone())]);
    vouch_for_the_second_well(&township, site);
    let messages = [
        ("up", early),
        ("join", "{}".to_owned()),
        ("up", uplink("a1", "2024-04-02T02:00:00Z", "30.75")),
        ("up", uplink("a2", "2024-04-02T01:00:00Z", "20.25")),
        ("up", uplink("a1", "2024-04-02T02:00:00Z", "30.75")),
        ("up", "not json".to_owned()),
    ];
    publish(&server, &messages);

    let metrics = wait_for("the uplinks' reports", || {
        let text = site.get("/metrics").text();
        text.contains("mingqu_foreign_readings_total{outcome=\"stored\"} 3").then_some(text)
    });
    for line in [
        "mingqu_foreign_readings_total{outcome=\"repeated\"} 1",
        "mingqu_mqtt_ignored_total{kind=\"event\"} 1",
        "mingqu_quarantined_messages_total{reason=\"foreign-not-vouched\"} 1",
        "mingqu_quarantined_messages_total{reason=\"foreign-not-json\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let refused = site.get("/quarantine?lang=en").text();
    assert!(refused.contains("foreign-not-json") && refused.contains("6e6f74206a736f6e"));
    life.stop();
}

#[test]
fn a_clerks_files_are_looked_at_corrected_and_handed_in_once() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    open_round(&township, site);

    // As Excel saves CSV in China, with a slip of the pen in two rows.
    let text = "抄表记录,,,\r\n水表,时间,读数,备注\r\n\
        sim-000001,2024-04-02 08:00,1000,\r\nsim-000001,4月2日,1010,\r\n\
        sim-00001,2024-04-02 12:00,1050,\r\nsim-000001,2024-04-02 12:00,1045,停电\r\n";
    std::fs::write(township.file("readings.csv"), gbk(text)).unwrap();
    let wrong = import(&township, site, "readings", "readings.csv", &[]).ended_with(1);
    assert!(wrong.stderr.contains("row 4, column 时间: \"4月2日\""), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("row 5: the registry has no meter sim-00001"));
    assert!(wrong.stdout.contains("2 wrong: nothing was handed in"), "{}", wrong.stdout);

    let text = text.replace("4月2日", "2024/4/2 10:00").replace("sim-00001,", "sim-000001,");
    let text = text.replace("12:00,1050", "11:00,1020");
    std::fs::write(township.file("readings.csv"), gbk(&text)).unwrap();
    let dry = import(&township, site, "readings", "readings.csv", &["--dry-run", "--json"]);
    let dry = dry.ended_with(0).json();
    assert_eq!((dry["new"].as_array().unwrap().len(), &dry["handed_in"]), (4, &json!(0)));
    let done = import(&township, site, "readings", "readings.csv", &[]).ended_with(0);
    assert!(done.stdout.contains("4 new, 0 already there, 0 to look at, 0 wrong: 4 handed in"));
    let again = import(&township, site, "readings", "readings.csv", &["--json"]).ended_with(0);
    let again: Value = again.json();
    assert_eq!((&again["known"], &again["handed_in"]), (&json!(4), &json!(0)));

    let turns = "轮次\t斗口\t村\t社\t开始\t结束\n\
        2024-1\tjing-1\tdongqu\tg1\t2024-04-02 08:00\t2024-04-02 12:00\n";
    std::fs::write(
        township.file("turns.csv"),
        format!("{turns}{}", "2024-1\tjing-1\tdongqu\tg9\t2024-04-03 08:00\t2024-04-03 12:00\n"),
    )
    .unwrap();
    let wrong = import(&township, site, "turns", "turns.csv", &["--dry-run"]).ended_with(1);
    assert!(wrong.stderr.contains("row 3: \"jing-1-2404030800\" is refused: "), "{}", wrong.stderr);
    assert!(wrong.stdout.contains("1 new, 0 already there, 0 to look at, 1 wrong"));

    std::fs::write(township.file("turns.csv"), turns).unwrap();
    for (flags, counts) in [
        (
            &["--dry-run"][..],
            "1 new, 0 already there, 0 to look at, 0 wrong: nothing was handed in",
        ),
        (&[], "1 new, 0 already there, 0 to look at, 0 wrong: 1 handed in"),
        (&[], "0 new, 1 already there, 0 to look at, 0 wrong: 0 handed in"),
    ] {
        let done = import(&township, site, "turns", "turns.csv", flags).ended_with(0);
        assert!(done.stdout.contains(counts), "{}", done.stdout);
    }
    let watering = Waiting::first_in_state(site, "draft");
    assert_eq!(watering.body()["watering"]["volume_litres"], 45);
    for key in [STATION.key, CADRES[1].key] {
        let signed = Finished::of(
            mingqu()
                .args(["sign", "--server", site.base(), "--yes"])
                .args(["--statement", &watering.id.to_string(), "--key"])
                .arg(township.key_file(key)),
        );
        signed.ended_with(0);
    }
    audit_holds(&township.export(&server.flags()));
    life.stop();
}

#[test]
fn a_banks_file_is_looked_at_and_recorded_once() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);

    let text = "XX银行代收明细,,,,\r\n户号,金额(元),交易日期,流水号,备注\r\n\
        10101,\"1,186.76\",20240402,B-1,\r\n10102,0.00,20240402,B-2,\r\n\
        99999,50,2024/4/2,B-3,\r\n20101,50.5,2024-04-02 08:00,B-4,二季度\r\n";
    std::fs::write(township.file("bank.csv"), gbk(text)).unwrap();
    let wrong = import(&township, site, "payments", "bank.csv", &[]).ended_with(1);
    assert!(
        wrong.stderr.contains("row 4, column 金额(元): \"0.00\" cannot be"),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stderr.contains("row 5: \"B-3\" is refused: "), "{}", wrong.stderr);
    assert!(wrong.stdout.contains("2 wrong (1237.26 yuan new, 0.00 already there, 50.00 refused)"));

    let text = text.replace("0.00,", "10.00,").replace("99999", "10103");
    std::fs::write(township.file("bank.csv"), gbk(&text)).unwrap();
    for (flags, end) in [
        (
            &["--dry-run"][..],
            "4 new, 0 already there, 0 to look at, 0 wrong (1297.26 yuan new, 0.00 already there, 0.00 refused): nothing was handed in, as asked",
        ),
        (&[], "4 handed in, receipts 1 to 4"),
        (
            &[],
            "0 new, 4 already there, 0 to look at, 0 wrong (0.00 yuan new, 1297.26 already there, 0.00 refused): 0 handed in",
        ),
    ] {
        let done = import(&township, site, "payments", "bank.csv", flags).ended_with(0);
        assert!(done.stdout.trim_end().ends_with(end), "{}", done.stdout);
    }
    township.ask(site, &json!({ "reverse-payment": { "receipt": 2, "reason": "户号录错" } }));
    let paid = site.get("/api/v1/households/10102/payments").json();
    assert_eq!(
        (&paid["paid_fen"], &paid["payments"][0]["reversed"]["reason"]),
        (&json!(0), &json!("户号录错"))
    );
    let paid = site.get("/api/v1/households/10101/payments").json();
    assert_eq!(
        (&paid["credit_fen"], &paid["payments"][0]["receipt"]),
        (&json!(118_676), &json!(1))
    );
    assert!(site.get("/payments/1").text().contains("壹仟壹佰捌拾陆元柒角陆分"));
    life.stop();
}

fn open_round(township: &Township, site: &Site) {
    let round = json!({ "open-round": {
        "id": "2024-1", "name": "第一轮",
        "opens_at": "2024-04-01T00:00:00Z", "closes_at": "2024-04-20T00:00:00Z",
    }});
    township.ask(site, &round);
}
