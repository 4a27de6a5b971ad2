"""Makes report.json: reports as an independent implementation encodes and signs them, and messages to refuse.

Uses cbor2 for CBOR, pycose for COSE_Sign1 and cryptography for Ed25519; shares no code with the Rust crate.
"""

import hashlib
import json
import sys

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pycose.algorithms import EdDSA
from pycose.headers import KID, Algorithm, ContentType
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

TYPE = "application/vnd.mingqu.report.v1+cbor"
ZEROS = bytes(16)


def payload_map(report):
    """The eight keys of a report; readings become differences."""
    base = report["readings"][0][0]
    flat, before_ms, before_value = [], base, 0
    for at_ms, value in report["readings"]:
        seconds, rest = divmod(at_ms - before_ms, 1000)
        assert rest == 0
        flat += [seconds, value - before_value]
        before_ms, before_value = at_ms, value
    return {
        1: report["meter"],
        2: report["seq"],
        3: report["boot"],
        4: bytes.fromhex(report["previous"]),
        5: report["kind"],
        6: base,
        7: flat,
        8: report["flags"],
    }


def sign(payload, seed, kid, uhdr=None, phdr=None):
    """A COSE_Sign1 message made by pycose."""
    message = Sign1Message(
        phdr=phdr or {Algorithm: EdDSA, ContentType: TYPE, KID: kid},
        uhdr=uhdr or {},
        payload=payload,
    )
    message.key = OKPKey(crv=Ed25519, d=seed, x=public(seed))
    return message.encode(tag=True, sign=True)


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signature_input(cose):
    """The Sig_structure of RFC 9052 section 4.4, spelt out."""
    header, _, payload, _ = cbor2.loads(cose).value
    return cbor2.dumps(["Signature1", header, b"", payload])


def accepted():
    """Reports that every implementation must make and take."""
    seed = hashlib.sha256(b"mingqu report vectors").digest()
    five_minutes = 300_000
    base = 1_775_001_600_000
    hour = [[base + i * five_minutes, 120_000 + i * 37] for i in range(12)]
    chain = []

    def add(name, **report):
        report["previous"] = report.get("previous") or (chain[-1] if report["seq"] > 1 else ZEROS.hex())
        cose = sign(cbor2.dumps(payload_map(report), canonical=True), seed, report["meter"].encode())
        chain.append(hashlib.sha256(cose).digest()[:16].hex())
        return {
            "name": name,
            "seed": seed.hex(),
            "public": public(seed).hex(),
            "report": report,
            "cose": cose.hex(),
            "signature_input": signature_input(cose).hex(),
            "chain_hash": chain[-1],
        }

    return [
        add("first report of an hour", meter="well-07", seq=1, boot=0, kind=0, readings=hour, flags=0),
        add("linked to the first, rebooted, clock unsure", meter="well-07", seq=2, boot=1, kind=0,
            readings=[[base + 3_600_000, 120_500]], flags=17),
        add("register runs backwards", meter="well-07", seq=3, boot=1, kind=0,
            readings=[[base + 3_900_000, 120_500], [base + 4_200_000, 120_499]], flags=4),
        add("two readings in one second", meter="well-07", seq=4, boot=1, kind=0,
            readings=[[base + 4_500_000, 120_500], [base + 4_500_000, 120_501]], flags=0),
        add("stage in millimetres, odd milliseconds", meter="gauge-north-2", seq=300, boot=70_000, kind=1,
            previous="00112233445566778899aabbccddeeff",
            readings=[[base + 123, 0], [base + 60_123, 255], [base + 120_123, -3]], flags=8),
        add("energy in watt-hours, a day of readings", meter="0", seq=2**33, boot=2**32 - 1, kind=2,
            previous="ff" * 16,
            readings=[[base + i * five_minutes, 10**9 + i * 1041] for i in range(288)], flags=31),
        add("widest values", meter="abcdefghijklmnopqrstuvwxyz-01234", seq=2**64 - 1, boot=0, kind=0,
            previous="01" * 16,
            readings=[[0, -(2**63)], [1000, -1], [2000, 2**63 - 2], [2**62 // 1000 * 1000, 2**63 - 1]],
            flags=0),
    ]


def refused():
    """Well-signed messages that break one rule each, and the name of the refusal."""
    seed = hashlib.sha256(b"mingqu report vectors").digest()
    report = {"meter": "well-07", "seq": 1, "boot": 0, "previous": ZEROS.hex(), "kind": 0,
              "readings": [[1_775_001_600_000, 5]], "flags": 0}
    good = payload_map(report)
    kid = b"well-07"

    def changed(**keys):
        return cbor2.dumps({**good, **{int(k[1:]): v for k, v in keys.items()}}, canonical=True)

    def without(key):
        return cbor2.dumps({k: v for k, v in good.items() if k != key}, canonical=True)

    whole = sign(changed(), seed, kid)
    swapped = dict(sorted(good.items(), key=lambda item: {1: 2, 2: 1}.get(item[0], item[0])))
    cases = [
        ("one byte short", "Truncated", whole[:-1]),
        ("one byte more", "TrailingBytes", whole + b"\0"),
        ("no tag", "NotTag18", whole[1:]),
        ("tag 61 around", "NotTag18", b"\xd8\x3d" + whole),
        ("five items", "WrongArrayLength", b"\xd2\x85" + whole[2:] + b"\0"),
        ("unprotected entry", "UnprotectedHeader", sign(changed(), seed, kid, uhdr={KID: kid})),
        ("no key id", "MissingKey", sign(changed(), seed, kid, phdr={Algorithm: EdDSA, ContentType: TYPE})),
        ("header unsorted", "UnsortedKeys",
         sign(changed(), seed, kid, phdr={KID: kid, Algorithm: EdDSA, ContentType: TYPE})),
        ("other content type", "WrongContentType",
         sign(changed(), seed, kid, phdr={Algorithm: EdDSA, ContentType: "text/plain", KID: kid})),
        ("signs for another", "KeyIdMismatch", sign(changed(), seed, b"well-08")),
        ("keys unsorted", "UnsortedKeys", sign(cbor2.dumps(swapped), seed, kid)),
        ("key 9", "UnknownKey", sign(changed(k9=0), seed, kid)),
        ("payload trailing byte", "TrailingBytes", sign(changed() + b"\0", seed, kid)),
        ("meter in capitals", "MeterId", sign(changed(k1="WELL-07"), seed, b"WELL-07")),
        ("sequence 0", "SequenceZero", sign(changed(k2=0), seed, kid)),
        ("boot counter of 33 bits", "Overflow", sign(changed(k3=2**32), seed, kid)),
        ("short previous", "PreviousLength", sign(changed(k4=bytes(15)), seed, kid)),
        ("first with previous", "PreviousOfFirst", sign(changed(k4=b"\1" * 16), seed, kid)),
        ("kind 3", "UnknownKind", sign(changed(k5=3), seed, kid)),
        ("before 1970", "NegativeBaseTime", sign(changed(k6=-1), seed, kid)),
        ("float base time", "WrongType", sign(changed(k6=1.5), seed, kid)),
        ("no readings", "NoReadings", sign(changed(k7=[]), seed, kid)),
        ("half a reading", "OddReadings", sign(changed(k7=[0, 1, 300]), seed, kid)),
        ("289 readings", "TooManyReadings", sign(changed(k7=[0, 1] + [1, 1] * 288), seed, kid)),
        ("first not at base", "FirstNotAtBase", sign(changed(k7=[1, 5]), seed, kid)),
        ("back in time", "OutOfOrder", sign(changed(k7=[0, 5, -1, 1]), seed, kid)),
        ("value of 64 bits", "Overflow", sign(changed(k7=[0, 2**63]), seed, kid)),
        ("sum beyond 63 bits", "Overflow", sign(changed(k7=[0, 2**63 - 1, 1, 1]), seed, kid)),
        ("flag 32", "UnknownFlags", sign(changed(k8=32), seed, kid)),
    ]
    for key in good:
        cases.append((f"without key {key}", "MissingKey", sign(without(key), seed, kid)))
    return [{"name": name, "refusal": refusal, "cose": cose.hex()} for name, refusal, cose in cases]


if __name__ == "__main__":
    json.dump({"accepted": accepted(), "refused": refused()}, sys.stdout, indent=1)
    print()
