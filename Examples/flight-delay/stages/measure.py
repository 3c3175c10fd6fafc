"""Measures a model on labelled rows, as JSON: the figures that the thresholds and criteria were chosen from.

The team looks at these while it works. They are no evidence: Penstock measures again with its serving runtime.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import lightgbm
import numpy as np
import yaml
from sklearn.metrics import log_loss, roc_auc_score

from contract import read_columns
from train import encode, labels, read_rows

CALIBRATION_BINS = 10


def calibration_error(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean distance of score and late share over bins of equal width, weighted by their rows."""
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    distance = [abs(np.sum(scores[bins == each] - truth[bins == each])) for each in np.unique(bins)]
    return float(np.sum(distance) / len(truth))


def read_rule(path: Path) -> list[tuple[str, float]]:
    """The answers of a decision service in the order they are tried, each with the least score that gives it."""
    try:
        rule = yaml.safe_load(path.read_text(encoding="utf-8"))["rule"]
        return [(line["decide"], line["when"]["score"]["at_least"] if "when" in line else 0.0) for line in rule]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} has no rule of answers with a least score each: {error!r}") from None


def measure(truth: np.ndarray, scores: np.ndarray, rule: list[tuple[str, float]]) -> dict[str, float | int]:
    figures: dict[str, float | int] = {
        "rows": len(truth),
        "late_rate": float(truth.mean()),
        "auc": float(roc_auc_score(truth, scores)),
        "log_loss": float(log_loss(truth, scores)),
        "calibration_error": calibration_error(truth, scores),
    }
    undecided = np.ones(len(truth), dtype=bool)
    for answer, least in rule:
        decided = undecided & (scores >= least)
        undecided &= ~decided
        figures[f"rate.{answer}"] = float(decided.mean())
        if decided.any():
            figures[f"late_rate.{answer}"] = float(truth[decided].mean())
    return figures


def _arguments() -> argparse.Namespace:
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model.txt of stages/train.py")
    parser.add_argument("--rows", type=Path, required=True, help="holdout.csv of stages/features.py")
    parser.add_argument("--contract", type=Path, default=here / "contracts/training.yaml")
    parser.add_argument("--decision", type=Path, default=here / "decision.yaml")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    columns = read_columns(arguments.contract)
    rows = read_rows(arguments.rows, columns)
    try:
        model = lightgbm.Booster(model_file=arguments.model)
    except lightgbm.basic.LightGBMError as error:
        raise SystemExit(f"{arguments.model} is not a LightGBM model that can be read: {error}") from None
    scores = np.asarray(model.predict(encode(rows, columns)))
    figures = measure(labels(rows, columns), scores, read_rule(arguments.decision))
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
