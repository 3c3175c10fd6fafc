"""What an attacker with the control plane's key, a node's disk or the database would do, for scripts/demo."""

import base64
import copy
import json
import pathlib
import sqlite3
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROUTING = "application/vnd.penstock.routing+json"


def read_key(path: pathlib.Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text().splitlines()[1]))


def sign(payload: bytes, key: Ed25519PrivateKey, keyid: str) -> dict:
    pae = b"DSSEv1 %d %s %d %s" % (len(ROUTING), ROUTING.encode(), len(payload), payload)
    signature = base64.b64encode(key.sign(pae)).decode()
    return {"payloadType": ROUTING, "payload": base64.b64encode(payload).decode(), "signatures": [{"keyid": keyid, "sig": signature}]}


def forge_table(attack: str, home: pathlib.Path) -> None:
    """Puts a table into the node's folder as the newest and the served one."""
    path = home / "nodes/node-1/table.json"
    tables = json.loads(path.read_text())
    keyid = tables["newest"]["signatures"][0]["keyid"]
    table = json.loads(base64.b64decode(tables["newest"]["payload"]))
    table["order"]["generation"] += 1
    route = table["routes"][0]
    key = read_key(home / "control/keys/control-plane.key")
    if attack == "raised-share":
        route["candidate"]["share"] = 0.5
    elif attack == "unapproved":
        for bundle in table["bundles"]:
            bundle["approvals"] = bundle["approvals"][:1]
    else:
        key = Ed25519PrivateKey.generate()
    envelope = sign(json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), key, keyid)
    tables["newest"] = envelope
    tables["serving"] = {service: copy.deepcopy(envelope) for service in tables["serving"]}
    path.write_text(json.dumps(tables))


def change_row(home: pathlib.Path) -> None:
    """Declares a proposed release live by changing its row."""
    (database,) = [file for file in (home / "control").glob("ledger*") if file.suffix in {".db", ".sqlite"}]
    with sqlite3.connect(database) as connection:
        changed = connection.execute(
            "UPDATE stream_head SET body = cast(replace(cast(body AS TEXT), 'live', 'aborted') AS BLOB) WHERE stream = 'release/rebooking-offer-1'"
        )
        if changed.rowcount != 1:
            connection.execute("UPDATE stream_head SET revision = revision + 1 WHERE stream = 'release/rebooking-offer-1'")


def flip(source: pathlib.Path, target: pathlib.Path) -> None:
    """Flips one byte in the middle of an export."""
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)


if __name__ == "__main__":
    attack, *paths = sys.argv[1:]
    if attack == "flip":
        flip(pathlib.Path(paths[0]), pathlib.Path(paths[1]))
    elif attack == "changed-row":
        change_row(pathlib.Path(paths[0]))
    else:
        forge_table(attack, pathlib.Path(paths[0]))
