"""Measures a model again with LightGBM's own Python and scikit-learn, and compares with what Penstock measured, for scripts/demo."""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

LARGEST_DIFFERENCE = 1e-9


def measured(truth: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    from measure import calibration_error

    return {
        "rows": len(truth), "base_rate": float(truth.mean()), "auc": float(roc_auc_score(truth, scores)), "log_loss": float(log_loss(truth, scores)),
        "brier": float(brier_score_loss(truth, scores)), "accuracy": float(accuracy_score(truth, scores >= 0.5)),
        "calibration_error": calibration_error(truth, scores),
    }


def largest_difference(evaluation: dict, rows, truth: np.ndarray, scores: np.ndarray) -> tuple[int, float]:
    """How many figures were compared, and by how much they differ at most."""
    parts = [(evaluation["metrics"], np.ones(len(rows), dtype=bool))]
    for column, values in evaluation["slices"].items():
        named = [value for value in values if value != "other"]
        for value, figures in values.items():
            parts.append((figures, (rows[column] == value).to_numpy() if value != "other" else ~rows[column].isin(named).to_numpy()))
    count, worst = 0, 0.0
    for figures, chosen in parts:
        expected = measured(truth[chosen], scores[chosen])
        if set(figures) != set(expected):
            raise SystemExit(f"Penstock measured {sorted(figures)}, and {sorted(expected)} was expected")
        for name, value in figures.items():
            count, worst = count + 1, max(worst, abs(value - expected[name]))
    return count, worst


def main() -> None:
    example, model, holdout, evaluation = map(Path, sys.argv[1:])
    sys.path.insert(0, str(example / "stages"))
    from contract import read_columns
    from train import encode, labels, read_rows

    columns = read_columns(example / "contracts/training.yaml")
    rows = read_rows(holdout, columns)
    scores = np.asarray(lightgbm.Booster(model_file=model).predict(encode(rows, columns)))
    count, worst = largest_difference(json.loads(evaluation.read_text()), rows, labels(rows, columns), scores)
    print(f"{count} figures over {len(rows)} rows; the largest difference is {worst:.1e}")
    sys.exit(0 if count > 7 and worst <= LARGEST_DIFFERENCE else 1)


if __name__ == "__main__":
    main()
