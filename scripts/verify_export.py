"""Checks a ledger export against a trust root by what docs/reference/formats.md says; it shares no code with penstock.

usage: verify_export.py EXPORT TRUST        needs Python 3.11 and the package `cryptography`

It holds when enough people of the trust root signed it; every line is spelled as it must be and gives its leaf hash; the ledger's key signed the
root that the leaves give; the first entry is this trust root; each approval is signed by a person of it, in a role they hold, over the sealed
spec's digest, who neither proposed the release nor is its model's author; and no release is prepared before all who must have signed.
Exit code 0 and one line, or 1 and the first place that does not hold.
"""

import base64
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refusal(Exception):
    """What does not hold, in words; the place is added where it is known."""


def need(holds: object, otherwise: str) -> None:
    if not holds:
        raise Refusal(otherwise)


def parse(text: str | bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), "a key stands twice in an object, and readers differ on which one counts")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once)


def spell(value: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, only what must be escaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def from_base64(text: str) -> bytes:
    content = base64.b64decode(text, validate=True)
    need(base64.b64encode(content).decode() == text, "base64 is not in its one spelling")
    return content


def sha256(*pieces: bytes) -> bytes:
    return hashlib.sha256(b"".join(pieces)).digest()


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Envelope:
    """A DSSE envelope, of which nothing is believed but what `signers` finds."""

    def __init__(self, value: dict[str, Any], name: str) -> None:
        media = value["payloadType"].encode()
        need(media == f"application/vnd.penstock.{name}+json".encode(), f"an envelope of {media!r} stands where a {name} is expected")
        self.payload = from_base64(value["payload"])
        self.content: dict[str, Any] = parse(self.payload)
        need(self.content["format"] == 1, f"the {name} has another format than 1")
        self.signed = b"DSSEv1 %d %s %d %s" % (len(media), media, len(self.payload), self.payload)
        self.signatures = [from_base64(signature["sig"]) for signature in value["signatures"][:64]]

    def signers(self, people: list[dict[str, Any]]) -> dict[str, list[str]]:
        return {p["id"]: p["roles"] for p in people for k in p["keys"] for s in self.signatures if is_signed(from_base64(k), s, self.signed)}


class Trust(Envelope):
    """A first trust root that enough of its people signed."""

    def __init__(self, file: bytes) -> None:
        super().__init__(parse(file), "trust")
        root = self.content
        self.origin = f"penstock/{root['system']}/{root['environment']}"
        self.ledger_key = from_base64(root["services"]["ledger"])
        names = [name for person in root["people"] for name in (person["id"], *person["keys"])]
        need(root["version"] == 1 and spell(root) == self.payload, "it is not version 1 in its one spelling")
        need(len(set(names)) == len(names), "a person or a key stands twice")
        need(1 <= root["thresholds"]["root"] <= len(self.signers(root["people"])), "too few of its people signed it")


class Release:
    """A release as its entries tell it, as far as approvals go."""

    def __init__(self, entry: dict[str, Any], trust: Trust) -> None:
        self.trust, self.id, self.digest = trust, entry["release"], ""
        self.spec: dict[str, Any] = {}
        self.counted: list[tuple[str, str]] = []
        self.proposal, roles = self.open(entry, "proposal", "proposer")
        need("proposer" in roles, f"{self.proposal['proposer']} is no proposer")

    def open(self, entry: dict[str, Any], name: str, by: str) -> tuple[dict[str, Any], list[str]]:
        envelope = Envelope(entry["envelope"], name)
        content, signers = envelope.content, envelope.signers(self.trust.content["people"])
        about = "penstock/{system}/{environment} {release}".format(**content)
        need(about == f"{self.trust.origin} {self.id}", f"the signed {name} is about {about}")
        need(content[by] in signers, f"the {name} is not signed by {content[by]} of the trust root")
        return content, signers[content[by]]

    def seal(self, entry: dict[str, Any]) -> None:
        spec = parse(encoded := from_base64(entry["spec"]))
        need(not self.spec and spec["format"] == 1 and spec["proposal"] == self.proposal, "the sealed spec is not what was proposed")
        need(all(result["verdict"] == "met" for result in spec["criteria"]), "a spec was sealed with a criterion that is not met")
        self.spec, self.digest = spec, "sha256:" + sha256(encoded).hex()

    def approve(self, entry: dict[str, Any]) -> None:
        approval, roles = self.open(entry, "approval", "person")
        person, role, solo = approval["person"], approval["role"], self.trust.content["solo"]
        need(self.spec and approval["spec"] == self.digest, f"{person} signed {approval['spec']}, which is not the sealed spec")
        need(approval["answer"] == "approve" and role in roles, f"{person} signed '{approval['answer']}' as {role} and holds {', '.join(roles)}")
        free = solo or person not in (self.proposal["proposer"], self.spec.get("model", {}).get("author"))
        need(free, f"{person} proposed the release or is its model's author, and approved it")
        need(not any(person == other and (not solo or role == taken) for other, taken in self.counted), f"{person} approved twice")
        self.counted.append((person, role))

    def prepare(self, _: dict[str, Any]) -> None:
        asked = Counter(self.trust.content["approvals"]) | Counter({rule["role"]: rule["count"] for rule in self.spec["approvals"]})
        lack = asked - Counter(role for _, role in self.counted)
        need(not lack, f"it was prepared without the approval of {', '.join(f'{count} {role}' for role, count in sorted(lack.items()))}")


def canonical(kind: str, *fields: tuple[str, int, bytes]) -> bytes:
    """The canonical encoding of fields: name, tag of the value, its bytes."""
    pieces = [(1, kind.encode() + b"\0\0\1")] + [piece for name, tag, value in fields for piece in ((9, name.encode()), (tag, value))]
    return b"".join(bytes([tag]) + len(content).to_bytes(8, "big") + content for tag, content in pieces)


def merkle_root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1", merkle_root(leaves[:split]), merkle_root(leaves[split:]))


def check_entry(index: int, line: bytes, trust: Trust, releases: dict[str, Release]) -> bytes:
    fields: dict[str, Any] = parse(line)
    kind, salt, payload = fields["kind"], bytes.fromhex(fields["salt"]), fields["payload"].encode()
    commitment = sha256(canonical("penstock.ledger-commitment", ("salt", 2, salt), ("payload", 2, payload)))
    leaf = sha256(b"\0", canonical("penstock.ledger-leaf", ("kind", 3, kind.encode()), ("commitment", 2, commitment)))
    need(fields["leaf"] == "sha256:" + leaf.hex(), "kind, salt and payload do not give the leaf hash beside them")
    need(spell(fields | {"index": index, "salt": salt.hex()}) == line and len(fields) == 5, "the line is not spelled as it must be, or not the next")
    need((entry := parse(payload))["format"] == 1, "its payload has another format than 1")
    need((kind == "trust.root") == (index == 0), "the first entry, and no other, is the trust root")
    if kind == "trust.root":
        need(Envelope(entry["envelope"], "trust").payload == trust.payload, "the ledger begins with another trust root than the one given")
    elif kind == "release.proposed":
        need(entry["release"] not in releases, f"{entry['release']} was proposed already")
        releases[entry["release"]] = Release(entry, trust)
    elif kind.startswith("release."):
        need(entry["release"] in releases, f"nobody proposed {entry['release']}")
        release = releases[entry["release"]]
        if step := {"release.sealed": release.seal, "release.approved": release.approve, "release.preparing": release.prepare}.get(kind):
            step(entry)
    return leaf


def check_export(export: bytes, trust_file: bytes) -> str:
    place = "at the trust root"
    try:
        trust, lines = Trust(trust_file), export.split(b"\n")
        place = "at the header"
        size: int = parse(lines[0])["size"]
        header = {"format": "penstock-ledger-export", "origin": trust.origin, "size": size, "version": 1}
        need(spell(header) == lines[0] and size >= 0, "the first line is no header of an export of this ledger")
        releases, leaves = dict[str, Release](), list[bytes]()
        for index in range(size):
            place = f"at entry {index}"
            leaves.append(check_entry(index, lines[index + 1], trust, releases))
        place, rest = "at the checkpoint", b"\n".join(lines[size + 1 :])
        body = f"{trust.origin}\n{size}\n{base64.b64encode(merkle_root(leaves)).decode()}\n"
        start = f"\n{body}\n\N{EM DASH} {trust.origin} ".encode()
        need(rest.startswith(start) and rest.endswith(b"\n"), "it is not of this ledger, these entries and this root")
        blob, key = from_base64(rest[len(start) : -1].decode()), trust.ledger_key
        named = blob[:4] == sha256(trust.origin.encode(), b"\n\1", key)[:4]
        need(named and is_signed(key, blob[4:], body.encode()), "the ledger's key did not sign it")
    except (Refusal, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Refusal(f"{place}: {error if isinstance(error, Refusal) else f'it cannot be read ({error!r:.200})'}") from None
    approvals = sum(len(release.counted) for release in releases.values())
    return f"{trust.origin} holds: {size} entries, {approvals} approvals of {len(releases)} releases, root {merkle_root(leaves).hex()}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: verify_export.py EXPORT TRUST")
    try:
        print(check_export(*(Path(name).read_bytes() for name in sys.argv[1:])))
    except (Refusal, OSError) as refusal:
        sys.exit(f"it does not hold, {refusal}")
