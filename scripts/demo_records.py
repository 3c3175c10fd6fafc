"""Compares answered decisions with the control plane's store, for scripts/demo."""

import json
import pathlib
import sqlite3
import sys
import time


def missing(answers: pathlib.Path, home: pathlib.Path) -> tuple[int, int, int]:
    """Answered ids, how many of them are not stored, and how many are stored more than once."""
    answered = [json.loads(line)["decision_id"] for line in answers.read_text().splitlines() if line.endswith("}")]
    with sqlite3.connect(f"file:{home}/control/decisions.sqlite?mode=ro", uri=True) as connection:
        stored: dict[str, int] = {}
        for (key,) in connection.execute("SELECT id FROM decision"):
            stored[key.hex()] = stored.get(key.hex(), 0) + 1
    return len(answered), sum(id not in stored for id in answered), sum(stored.get(id, 0) > 1 for id in answered)


def main() -> None:
    answers, home = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    deadline = time.monotonic() + 60
    while True:
        count, lost, doubled = missing(answers, home)
        if lost == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    print(f"{count} answered decisions, {lost} missing in the store, {doubled} stored twice")
    sys.exit(0 if count > 0 and lost == 0 and doubled == 0 else 1)


if __name__ == "__main__":
    main()
