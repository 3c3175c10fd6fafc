"""Compares answered decisions with the control plane's store and its report, for scripts/demo."""

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


def lines(path: str) -> list[dict]:
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def counts_agree(answers: str, report: str) -> bool:
    """Whether the report has as many decisions of the model, and as many that went to a person, as were answered."""
    given = lines(answers)
    (told,) = [each for each in json.loads(pathlib.Path(report).read_text())["releases"] if each["release"] == "rebooking-offer-1"]
    referred = sum(each["decision"] == "review" for each in given)
    print(f"   {len(given)} answered, {referred} of them for a person; the report says {told['decisions']} and {told['referrals']}")
    return (told["decisions"], told["referrals"]) == (len(given), referred)


def first_offer(answers: str, outcomes: str) -> str:
    """The first offer whose outcome is known: what was cancelled has none."""
    known = {each["decision_id"] for each in lines(outcomes)}
    return next(each["decision_id"] for each in lines(answers) if each["decision"] == "offer" and each["decision_id"] in known)


def main() -> None:
    if sys.argv[1] == "report":
        sys.exit(not counts_agree(*sys.argv[2:4]))
    if sys.argv[1] == "offered":
        print(first_offer(*sys.argv[2:4]))
        return
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
