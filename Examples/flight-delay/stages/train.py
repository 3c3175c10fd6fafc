"""Trains the LightGBM model of late arrivals on the feature columns of the training contract.

A categorical value is given to the model as its position in the contract's list of allowed values; the serving side
reads the same list, so the two cannot disagree on a code.
"""

from __future__ import annotations

import os
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd

from contract import Column, features, label_name, read_columns

PROJECT = Path(__file__).resolve().parent.parent


def read_rows(path: Path, columns: list[Column]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise SystemExit(f"There are no rows at {path}; stages/features.py writes them.") from None
    if list(rows.columns) != [column.name for column in columns]:
        raise SystemExit(f"The columns of {path} are not those of the contract; run stages/features.py again.")
    return rows


def encode(rows: pd.DataFrame, columns: list[Column]) -> np.ndarray:
    """The feature matrix in contract order, a null as NaN."""
    return np.column_stack([_encode_column(rows[column.name], column) for column in features(columns)])


def labels(rows: pd.DataFrame, columns: list[Column]) -> np.ndarray:
    return rows[label_name(columns)].to_numpy(dtype=bool).astype(np.float64)


def train(rows: pd.DataFrame, columns: list[Column], trees: int, leaves: int, seed: int) -> lightgbm.Booster:
    """The same rows give the same model, byte for byte, with any number of cores."""
    inputs = features(columns)
    dataset = lightgbm.Dataset(
        encode(rows, columns),
        labels(rows, columns),
        feature_name=[column.name for column in inputs],
        categorical_feature=[index for index, column in enumerate(inputs) if column.categories],
    )
    parameters = {
        "objective": "binary",
        "num_leaves": leaves,
        # Slow steps: later months differ from those trained on, and 300 faster ones fit the spring too closely.
        "learning_rate": 0.02,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 2,
        "verbose": -1,
    }
    return lightgbm.train(parameters, dataset, num_boost_round=trees)


def _encode_column(values: pd.Series, column: Column) -> np.ndarray:
    if not column.categories:
        return values.to_numpy(dtype=np.float64)
    codes = values.map({value: code for code, value in enumerate(column.categories)})
    if codes.isna().any():
        unknown = values[codes.isna()].iloc[0]
        raise SystemExit(f"{column.name} {unknown!r} is not allowed by the contract; add it there or drop the row.")
    return codes.to_numpy(dtype=np.float64)


def main() -> None:
    trees, leaves, seed = (int(os.environ[f"PENSTOCK_PARAM_{name}"]) for name in ("TREES", "LEAVES", "SEED"))
    columns = read_columns(PROJECT / os.environ["PENSTOCK_PARAM_TRAINING"])
    rows = read_rows(Path(os.environ["PENSTOCK_INPUT_TRAIN"]), columns)
    train(rows, columns, trees, leaves, seed).save_model(os.environ["PENSTOCK_OUTPUT_MODEL"])


if __name__ == "__main__":
    main()
