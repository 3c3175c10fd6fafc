"""What a candidate in shadow costs the champion's callers: latency at a steady rate without a candidate, beside its like, and beside a slow one.

usage, from the project's root, after scripts/build-release:
  .deps/python/bin/python Benchmarks/slow_shadow.py [--rate 500] [--seconds 10] [--cycles 3] [--record buffered|durable] [--together]
      [--program .build-release/release/penstock]

In production, callers and the control plane are on other machines. Here the node gets one core of its own, whatever it does; caller and control plane share the
others, where the control plane gets only time that the caller does not want (SCHED_IDLE). --together lets all three compete for all cores.
Everything is real: the program, LightGBM models, a control plane, a node with its decision log, and 'decide batch' as the caller, all on this machine.
The situations take turns within one run; what is printed are medians over the cycles, with the smallest and the largest.
"""

import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

import lightgbm
import numpy

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: flights\nversion: 1.0.0\nschema:\n  - name: rows\n    properties:\n"
COLUMN = "      - { name: %s, %s, customProperties: [{ property: penstock.role, value: %s }] }\n"
FEATURES = "".join(COLUMN % (name, f"logicalType: number, required: true, logicalTypeOptions: {{ minimum: {least}, maximum: {most} }}", "feature")
                   for name, least, most in [("distance", 0, 6000), ("dep_delay", -60, 600)])
DECISION = """decision: rebooking-offer
model: flight-delay
input: contracts/request.yaml
entity: tail_number
fallback: { decide: review }
rule:
  - { decide: offer, when: { score: { at_least: %.3f } } }
  - { decide: none }
record: %s
"""
POLICY = """policy: rebooking-offer
proposal: { requires: [reason] }
evidence:
  evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.7 }] }
  reversibility: { rehearsed_within: 1s }
approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
first_release: { criteria: [{ metric: auc, at_least: 0.7 }], exposure: [{ live: true }] }
exposure: [{ shadow: 1.0, decisions: 10000000, deadline: 10d }, { live: true }]
guardrails: [{ signal: decision_flips, paired: true, harm: { more_than: 0.9 }, alpha: 0.01, then: rollback }]
on_undecided: [pause, ask, abort]
autonomy: { alone: [pause, rollback], needs_person: [promote] }
"""


class Installation:
    def __init__(self, program: pathlib.Path, folder: pathlib.Path, record: str) -> None:
        self.program, self.folder, self.record, self.releases = program, folder, record, 0
        sockets = [socket.socket() for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        self.control, self.node = (f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
        for each in sockets:
            each.close()
        self.cores = os.sched_getaffinity(0)
        self.environment = {**os.environ, "PENSTOCK_HOME": str(folder / "home"), "SWIFT_BACKTRACE": "enable=no"}
        (folder / "contracts").mkdir()
        (folder / "contracts/training.yaml").write_text(HEAD + FEATURES + COLUMN % ("late", "logicalType: boolean, required: true", "label"))
        (folder / "contracts/request.yaml").write_text(HEAD + FEATURES + COLUMN % ("tail_number", "logicalType: string", "entity"))
        (folder / "policy.yaml").write_text(POLICY)

    def run(self, *words: str) -> str:
        done = subprocess.run([str(self.program), *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"penstock {' '.join(words)}: {done.stderr}{done.stdout}")
        return done.stdout

    def begin(self) -> None:
        for person in ("ada", "ben", "cleo"):
            self.run("key", "new", "--person", person)
        self.run("init", "--system", "bench", "--environment", "staging", "--person", "ada:proposer:ada.pub", "--person", "ben:reviewer:ben.pub", "--person",
                 "cleo:risk-owner:cleo.pub")
        for person in ("ada", "cleo"):
            self.run("trust", "sign", "--key", f"{person}.key")
        self.run("up", "--detach", "--control", self.control, "--node", self.node)
        self.release("--fallback", "live")

    def threads(self, name: str) -> list[int]:
        process = json.loads((self.folder / f"home/run/{name}.json").read_text())["process"]
        return [int(thread) for thread in os.listdir(f"/proc/{process}/task")]

    def set_apart(self) -> None:
        *others, own = sorted(self.cores)
        os.sched_setaffinity(0, others)
        with contextlib.suppress(ProcessLookupError):
            for thread in self.threads("node-1"):
                os.sched_setaffinity(thread, {own})
            for thread in self.threads("control"):
                os.sched_setaffinity(thread, others)
                os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))

    def register(self, model: lightgbm.Booster, holdout: str) -> None:
        model.save_model(str(self.folder / "model.txt"))
        (self.folder / "holdout.csv").write_text(holdout)
        self.run("registry", "add", "--name", "flight-delay", "--model", "model.txt", "--contract", "contracts/training.yaml", "--data", "holdout.csv", "--key", "ada.key")

    def release(self, version: str, phase: str) -> str:
        """Each with another threshold, since the same change is not taken twice."""
        name = f"rebooking-offer-{self.releases}"
        self.releases += 1
        (self.folder / "decision.yaml").write_text(DECISION % (0.5 + self.releases / 1000, self.record))
        self.run("release", "propose", version, "--key", "ada.key", "--reason", "to measure", "--decision", "decision.yaml", "--policy", "policy.yaml")
        self.run("release", "approve", name, "--role", "reviewer", "--key", "ben.key")
        self.run("release", "approve", name, "--role", "risk-owner", "--key", "cleo.key")
        for _ in range(600):
            if json.loads(self.run("release", "show", name, "--output", "json"))["phase"] == phase:
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"{name} did not become {phase}")
        return name

    def candidate(self) -> dict:
        with urllib.request.urlopen(f"http://{self.node}/v1/status") as answer:
            return json.load(answer)["services"][0].get("candidate") or {}

    def until(self, release: str | None) -> None:
        for _ in range(300):
            if self.candidate().get("release") == release:
                return
            time.sleep(0.1)
        raise SystemExit(f"the node's candidate is not {release}")


def models() -> tuple[lightgbm.Booster, lightgbm.Booster, str]:
    random = numpy.random.default_rng(7)
    rows = random.uniform([0, -60], [6000, 600], (20_000, 2)).round()
    late = (rows[:, 1] + random.normal(0, 60, len(rows)) > 120).astype(int)
    data = lightgbm.Dataset(rows[:19_000], late[:19_000])
    terms = {"objective": "binary", "verbose": -1, "seed": 7, "num_leaves": 31}
    quick = lightgbm.train({**terms, "learning_rate": 0.05}, data, 100)
    slow = lightgbm.train({**terms, "learning_rate": 0.0005, "min_data_in_leaf": 20}, data, 6000)
    holdout = "distance,dep_delay,late\n" + "".join(f"{d:.0f},{e:.0f},{str(bool(y)).lower()}\n" for (d, e), y in zip(rows[19_000:], late[19_000:]))
    return quick, slow, holdout


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rate", type=int, default=500)
    asked.add_argument("--seconds", type=int, default=10)
    asked.add_argument("--cycles", type=int, default=3)
    asked.add_argument("--record", choices=["buffered", "durable"], default="buffered", help="durable answers wait for the disk, which the control plane here shares")
    asked.add_argument("--together", action="store_true", help="let node, caller and control plane compete for the same cores")
    asked.add_argument("--program", type=pathlib.Path, default=pathlib.Path(".build-release/release/penstock"))
    options = asked.parse_args()
    if not options.together and len(os.sched_getaffinity(0)) < 2:
        asked.error("a core for the node alone takes two; use --together")
    quick, slow, holdout = models()
    row = numpy.array([[1200.0, 30.0]])
    for name, model in (("champion", quick), ("slow candidate", slow)):
        model.predict(row, num_threads=1)
        began = time.perf_counter()
        for _ in range(50):
            model.predict(row, num_threads=1)
        print(f"{name}: {model.num_trees()} trees, {(time.perf_counter() - began) / 50 * 1000:.2f} ms a row in Python")
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(options.program.resolve(), pathlib.Path(folder), options.record)
        try:
            measure(installation, options, quick, slow, holdout)
        finally:
            subprocess.run([str(installation.program), "down"], env=installation.environment, capture_output=True, check=False)


def measure(installation: Installation, options: argparse.Namespace, quick: lightgbm.Booster, slow: lightgbm.Booster, holdout: str) -> None:
    installation.begin()
    for model in (quick, slow):
        installation.register(model, holdout)
    installation.release("flight-delay@1", "live")
    random = numpy.random.default_rng(1)
    with (installation.folder / "requests.jsonl").open("w") as lines:
        for _ in range(options.rate * options.seconds):
            lines.write(json.dumps({"distance": int(random.integers(0, 6000)), "dep_delay": int(random.integers(-60, 600)), "tail_number": f"N{random.integers(0, 4000)}"}) + "\n")
    seen: dict[str, list[dict]] = {}
    situations = [("no candidate", None), ("a candidate like it, in shadow", "flight-delay@1"), ("a slow candidate, in shadow", "flight-delay@2")]
    for _ in range(options.cycles):
        for name, version in situations:
            release = None if version is None else installation.release(version, "exposed")
            installation.until(release)
            if not options.together:
                installation.set_apart()
            summary = json.loads(installation.run("decide", "batch", "rebooking-offer", "--file", "requests.jsonl", "--connections", "16", "--rate", str(options.rate), "--node-url",
                                                  f"http://{installation.node}", "--output", "json"))
            time.sleep(1)
            summary |= {key: installation.candidate().get(key, 0) for key in ("compared", "missing")}
            seen.setdefault(name, []).append(summary)
            if release is not None:
                installation.run("release", "abort", release, "--key", "ada.key", "--reason", "measured")
                installation.until(None)
    print(f"\n{options.rate} requests a second, {options.record}, for {options.seconds} s, {options.cycles} times each; milliseconds: median (smallest to largest)")
    for name, summaries in seen.items():
        figures = [spread([each[key] for each in summaries]) for key in ("p50", "p99")]
        failed, compared, missing = (sum(each[key] for each in summaries) for key in ("failed", "compared", "missing"))
        print(f"  {name:32} p50 {figures[0]}   p99 {figures[1]}   failed {failed}, compared {compared}, of these without a pair {missing}")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
