"""Gives each answered request what became of its flight: answers and arrivals, joined by the request's row."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def join(answers: Path, arrivals: Path) -> list[str]:
    """One outcome a line, for every flight that arrived and whose decision was answered."""
    decisions = {line["row"]: line["decision_id"] for line in map(json.loads, answers.open(encoding="utf-8"))}
    known = [line for line in map(json.loads, arrivals.open(encoding="utf-8")) if line["row"] in decisions]
    return [
        json.dumps({"decision_id": decisions[line["row"]], "value": line["value"], "at": line["at"]}, separators=(",", ":")) + "\n"
        for line in known
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=Path, required=True, help="what `penstock decide batch --answers` wrote")
    parser.add_argument("--arrivals", type=Path, required=True, help="what features.py wrote beside the requests")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.write_text("".join(join(arguments.answers, arguments.arrivals)), encoding="utf-8")


if __name__ == "__main__":
    main()
