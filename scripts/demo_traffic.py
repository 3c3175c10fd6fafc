"""Cuts requests and arrivals into days, and reads what `release show` tells of a rollout, for scripts/demo."""

import datetime as dt
import json
import pathlib
import sys


def split(requests: pathlib.Path, arrivals: pathlib.Path, folder: pathlib.Path) -> None:
    """One file of each for every day of scheduled departure in New York's summer time; arrivals name the line within their day."""
    folder.mkdir(parents=True, exist_ok=True)
    days: dict[str, list[str]] = {}
    places: list[tuple[str, int]] = []
    with requests.open(encoding="utf-8") as lines:
        for line in lines:
            departure = dt.datetime.fromisoformat(json.loads(line)["scheduled_departure"])
            day = (departure - dt.timedelta(hours=4)).date().isoformat()
            days.setdefault(day, []).append(line)
            places.append((day, len(days[day])))
    landed: dict[str, list[str]] = {day: [] for day in days}
    with arrivals.open(encoding="utf-8") as lines:
        for line in lines:
            arrival = json.loads(line)
            day, arrival["row"] = places[arrival["row"] - 1]
            landed[day].append(json.dumps(arrival, separators=(",", ":")) + "\n")
    for day, rows in days.items():
        (folder / f"requests-{day}.jsonl").write_text("".join(rows), encoding="utf-8")
        (folder / f"arrivals-{day}.jsonl").write_text("".join(landed[day]), encoding="utf-8")


def tell(what: str) -> None:
    """Reads `release show --output json` from standard input: one word for the script."""
    shown = json.load(sys.stdin)
    rollout = shown.get("rollout") or {}
    steps = rollout.get("steps", [])
    if what == "phase":
        print(shown["phase"])
    elif what == "step":
        step = rollout.get("step")
        print("none" if step is None else steps[step]["name"])
    elif what == "state":
        print(rollout.get("paused") or rollout.get("state", ""))
    elif what == "compared":
        print(sum(step["compared"] for step in steps))
    elif what == "ready":
        print("yes" if str(rollout.get("state", "")).startswith("ready; a person") else "no")
    elif what == "harm":
        between = rollout.get("breachToLastMilliseconds")
        print(f"{rollout.get('answered')} decisions by it; " + ("no decision by it after the breach" if between is None else f"{between} ms from the breach to its last one"))
    else:
        raise SystemExit(f"tells nothing of '{what}'")


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(*map(pathlib.Path, sys.argv[2:5]))
    else:
        tell(sys.argv[1])
