"""What most people would write: takes meters' signed reports from a broker, checks them, stores them, acknowledges.

Run by `mingqu bench ingest` beside Mingqu on the same broker and the same reports, as a measure. It is written to be
fast by the means that the language has: one thread, compiled libraries for CBOR and signatures, one transaction for
a thousand reports, acknowledged after the commit.

    pip install paho-mqtt pynacl cbor2
    python3 peer.py HOST PORT DISTRICT KEYS.json DATABASE.sqlite CLIENT-ID REPORTS
"""

import json
import sqlite3
import sys
import time

import cbor2
import paho.mqtt.client as mqtt
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

BATCH = 1000
WAIT_SECONDS = 0.02

host, port, district, keys_file, database, client_id, expected = sys.argv[1:]

with open(keys_file, encoding="utf-8") as file:
    keys = {meter: VerifyKey(bytes.fromhex(key)) for meter, key in json.load(file).items()}

db = sqlite3.connect(database, isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute(
    "CREATE TABLE IF NOT EXISTS report (meter TEXT NOT NULL, seq INTEGER NOT NULL, first_at INTEGER NOT NULL,"
    " last_at INTEGER NOT NULL, received_at INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (meter, seq))"
)

batch = []
stored = 0
began = None


def read(message):
    """The row of a report that its meter signed; None for anything else."""
    try:
        protected, _, payload, signature = cbor2.loads(message.payload).value
        report = cbor2.loads(payload)
        meter = report[1]
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        keys[meter].verify(signed, signature)
    except (cbor2.CBORDecodeError, BadSignatureError, KeyError, TypeError, ValueError, AttributeError):
        return None
    if message.topic.split("/")[3] != meter:
        return None
    first_at = report[6]
    last_at = first_at + 1000 * sum(report[7][::2])
    return meter, report[2], first_at, last_at, int(time.time() * 1000), message.payload


def flush():
    global stored
    rows = [row for row in map(read, batch) if row is not None]
    db.execute("BEGIN")
    db.executemany("INSERT OR IGNORE INTO report VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    for message in batch:
        client.ack(message.mid, message.qos)
    stored += len(rows)
    batch.clear()


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(f"mingqu/v1/{district}/+/report", qos=1)


def on_subscribe(_client, _userdata, _mid, _reasons, _properties):
    print("ready", flush=True)


def on_message(_client, _userdata, message):
    global began
    if began is None:
        began = time.monotonic()
    batch.append(message)
    if len(batch) >= BATCH:
        flush()


client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, manual_ack=True
)
client.max_inflight_messages_set(0)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect(host, int(port))
last = time.monotonic()
while stored < int(expected):
    client.loop(timeout=WAIT_SECONDS)
    if batch and time.monotonic() - last >= WAIT_SECONDS:
        flush()
        last = time.monotonic()
print(f"stored all in {time.monotonic() - (began or 0):.6f} s", flush=True)
client.disconnect()
