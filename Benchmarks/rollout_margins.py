"""How many harmless rollouts of the example go live under its policy, and how soon a harmful one is stopped: simulated on the flights of 2013.

usage, from the project's root, after `make demo` (whose traffic and models it uses):
  .deps/python/bin/python Benchmarks/rollout_margins.py [--starts 14] [--salts 10]

The guardrails are computed here once more from the papers that Sources/Domain/Guardrails names (beta-binomial mixture for flips, betting for rates and
accuracy), not by Penstock; the first line is for comparison with what `release show rebooking-offer-2` says of its shadow. Both arms' scores are LightGBM's own.
Left out: errors, of which there are none, and the standing sample ratio (alpha 0.1 %), which pauses and does not end a rollout.
"""

import argparse
import base64
import datetime as dt
import hashlib
import json
import pathlib
import sys

import lightgbm
import numpy as np
import pandas as pd
import yaml
from scipy.special import betaln

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE, DEMO = ROOT / "Examples/flight-delay", ROOT / ".demo"
sys.path.insert(0, str(EXAMPLE / "stages"))

HOUR = 3_600_000
STAKES = 0.004 * np.exp(np.log(0.96 / 0.004) / 23 * np.arange(24))


def log_capital(less: np.ndarray, same: np.ndarray, more: np.ndarray, mean: float) -> np.ndarray:
    """Won by betting that the mean of differences is above `mean` (Waudby-Smith and Ramdas 2024), the stake split over 24 bets."""
    bets = STAKES / (1 + mean)
    terms = np.outer(less, np.log1p(-STAKES)) + np.outer(same, np.log1p(-bets * mean)) + np.outer(more, np.log1p(bets * (1 - mean)))
    top = terms.max(axis=1)
    return top + np.log(np.exp(terms - top[:, None]).mean(axis=1))


def log_evidence(yes: np.ndarray, no: np.ndarray, rate: float) -> np.ndarray:
    """Against this rate of flips: Robbins' mixture over Jeffreys' density."""
    return betaln(0.5 + yes, 0.5 + no) - betaln(0.5, 0.5) - yes * np.log(rate) - no * np.log1p(-rate)


def counts(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.cumsum(differences == value) for value in (-1, 0, 1))


class Policy:
    def __init__(self) -> None:
        policy = yaml.safe_load((EXAMPLE / "policy.yaml").read_text())
        self.steps = [step for step in policy["exposure"] if "live" not in step]
        rules = {rule["signal"]: rule for rule in policy["guardrails"]}
        self.flips, self.rate, self.accuracy = rules["decision_flips"], rules["rate.offer"], rules["outcome.accuracy"]
        # A step's part, and of it the half of whoever looks: the controller, or the one node.
        self.part = 0.5 / len(self.steps)

    def share(self, step: int) -> float:
        return self.steps[step].get("canary", 0.0)

    def deadline(self, step: int) -> int:
        return int(self.steps[step]["deadline"].removesuffix("d")) * 24 * HOUR

    def harm(self, flips: np.ndarray, offers: np.ndarray, right: np.ndarray) -> list[tuple[str, int]]:
        """Each guardrail that says harm, and after how many requests. `right` has NaN where no outcome came."""
        found = []
        yes = np.cumsum(flips)
        n = np.arange(1, len(flips) + 1)
        most = self.flips["harm"]["more_than"]
        found += first("decision_flips", (yes > most * n) & (log_evidence(yes, n - yes, most) >= -np.log(self.flips["alpha"] * self.part)))
        less, same, more = counts(offers)
        by, level = self.rate["harm"]["differs_by"], -np.log(self.rate["alpha"] * self.part / 2)
        found += first("rate.offer", (log_capital(less, same, more, by) >= level) | (log_capital(more, same, less, by) >= level))
        known = ~np.isnan(right)
        less, same, more = counts(right[known])
        worse = log_capital(more, same, less, self.accuracy["harm"]["less_by"]) >= -np.log(self.accuracy["alpha"] * self.part)
        if worse.any():
            found.append(("outcome.accuracy", int(np.flatnonzero(known)[worse.argmax()]) + 1))
        return found

    def is_proved(self, right: np.ndarray) -> bool:
        less, same, more = (each[-1:] for each in counts(right[~np.isnan(right)]))
        return len(less) > 0 and log_capital(less, same, more, -self.accuracy["harm"]["less_by"])[0] >= -np.log(self.accuracy["alpha"] * self.part)


def first(signal: str, harmed: np.ndarray) -> list[tuple[str, int]]:
    return [(signal, int(harmed.argmax()) + 1)] if harmed.any() else []


class Traffic:
    """Both arms on every request of some days, in their order."""

    def __init__(self, days: list[str], champion: "Model", candidate: "Model") -> None:
        requests, truths, self.ends = [], [], []
        for day in days:
            rows = [json.loads(line) for line in (DEMO / f"out/days/requests-{day}.jsonl").open()]
            truth = np.full(len(rows), np.nan)
            for line in (DEMO / f"out/days/arrivals-{day}.jsonl").open():
                arrival = json.loads(line)
                truth[arrival["row"] - 1] = arrival["value"]
            requests += rows
            truths.append(truth)
            self.ends.append(len(requests))
        frame, truth = pd.DataFrame(requests), np.concatenate(truths)
        self.days = days
        self.tails = [row["tail_number"] for row in requests]
        clock = [dt.datetime.fromisoformat(row["scheduled_departure"]).timestamp() * 1000 for row in requests]
        self.clock = np.maximum.accumulate(np.array(clock))
        old, new = champion.scores(frame), candidate.scores(frame)
        self.flips = (decide(old) != decide(new)).astype(int)
        self.offers = (decide(new) == 2).astype(int) - (decide(old) == 2).astype(int)
        right = ((new >= 0.5) == truth).astype(float) - ((old >= 0.5) == truth).astype(float)
        self.right = np.where(np.isnan(truth), np.nan, right)


RULE = [line["when"]["score"]["at_least"] for line in yaml.safe_load((EXAMPLE / "decision.yaml").read_text())["rule"] if "when" in line]


def decide(scores: np.ndarray) -> np.ndarray:
    return (scores >= RULE[0]).astype(int) + (scores >= RULE[1]).astype(int)


class Model:
    def __init__(self, version: int, contract: str) -> None:
        from contract import read_columns

        self.columns = read_columns(EXAMPLE / "contracts" / contract)
        with (DEMO / "ledger.export").open() as lines:
            registered = [entry for entry in (json.loads(line) for line in lines if line.startswith("{")) if entry.get("kind") == "model.registered"]
        envelope = json.loads(registered[version - 1]["payload"])["envelope"]
        digest = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["artifact"].removeprefix("sha256:")
        self.booster = lightgbm.Booster(model_file=str(DEMO / f"home/control/artifacts/sha256/{digest[:2]}/{digest}"))

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        from train import encode

        return np.asarray(self.booster.predict(encode(frame, self.columns)))


def rollout(policy: Policy, traffic: Traffic, start: int, salt: int) -> tuple[str, int]:
    """How it ends, and the index of the day. A look at each day's end, as the demo has it; harm counts from any request."""
    place = np.array([int.from_bytes(hashlib.sha256(f"{salt}/{tail}".encode()).digest()[:8], "big") / 2**64 for tail in traffic.tails])
    begin, day = (traffic.ends[start - 1] if start else 0), start
    for step in range(len(policy.steps)):
        share, first_day = policy.share(step), day
        while True:
            if day >= len(traffic.days):
                return "no traffic left", day
            seen = slice(begin, traffic.ends[day])
            harm = policy.harm(traffic.flips[seen], traffic.offers[seen], traffic.right[seen])
            if harm:
                return f"rolled back: {min(harm, key=lambda each: each[1])[0]}", day
            clock = traffic.clock[seen]
            own = np.ones(len(clock), dtype=bool) if share == 0 else place[seen] < share
            matured = int((own & (clock <= clock[-1] - 6 * HOUR)).sum())
            leads_to_live = step == len(policy.steps) - 1
            day += 1
            if matured >= policy.steps[step]["decisions"] and (not leads_to_live or policy.is_proved(traffic.right[seen])):
                break
            if clock[-1] - clock[0] >= policy.deadline(step):
                return f"undecided on {'shadow' if share == 0 else f'canary {share:.0%}'}", day
        begin = traffic.ends[day - 1]
    return "live", day


def dates(first_day: str, last_day: str) -> list[str]:
    begin, end = map(dt.date.fromisoformat, (first_day, last_day))
    return [(begin + dt.timedelta(days)).isoformat() for days in range((end - begin).days + 1)]


def check(policy: Policy, traffic: Traffic) -> None:
    """What the shadow of August 11 to 13 comes to, for comparison with `release show rebooking-offer-2`."""
    seen = slice(traffic.ends[9], traffic.ends[12])
    flips, right = traffic.flips[seen], traffic.right[seen]
    right = right[~np.isnan(right)]
    print(f"shadow of August 11 to 13: decision_flips {flips.mean():.4f} of {len(flips)}, rate.offer {traffic.offers[seen].mean():+.4f}, outcome.accuracy {right.mean():+.4f} of {len(right)}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--starts", type=int, default=14)
    asked.add_argument("--salts", type=int, default=10)
    options = asked.parse_args()
    policy = Policy()
    august = Traffic(dates("2013-08-01", "2013-09-04"), Model(1, "training.yaml"), Model(2, "training.yaml"))
    check(policy, august)
    ends: dict[str, int] = {}
    by_start: dict[str, int] = {}
    for start in range(options.starts):
        for salt in range(options.salts):
            end, _ = rollout(policy, august, start, salt)
            ends[end] = ends.get(end, 0) + 1
            by_start[august.days[start]] = by_start.get(august.days[start], 0) + (end == "live")
    total = options.starts * options.salts
    print(f"harmless: version 2 against version 1, begun on the first {options.starts} days of August with {options.salts} salts each")
    for end, count in sorted(ends.items(), key=lambda each: -each[1]):
        print(f"  {count:4} of {total}  {end}")
    print("  live by first day: " + ", ".join(f"{day[8:]} {count}" for day, count in by_start.items()))
    print("harmful: version 3 against version 2 in the canary; requests from the stop of its feed until harm")
    for stop, before in (("2013-09-05", 1), ("2013-09-13", 0), ("2013-09-13", 1), ("2013-09-13", 2)):
        days = [(dt.date.fromisoformat(stop) - dt.timedelta(before)).isoformat()]
        traffic = Traffic(dates(days[0], "2013-09-08" if stop < "2013-09-10" else "2013-09-20"), Model(2, "training.yaml"), Model(3, "training-on-time.yaml"))
        healthy = traffic.ends[before - 1] if before else 0
        harm = policy.harm(traffic.flips, traffic.offers, traffic.right)
        told = ", ".join(f"{signal} after {count - healthy}" for signal, count in sorted(harm, key=lambda each: each[1]))
        print(f"  feed stops on {stop}, {before} days into the step: {told or 'never'}")


if __name__ == "__main__":
    main()
