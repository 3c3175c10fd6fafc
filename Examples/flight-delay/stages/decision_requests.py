"""Makes the decision requests of a range of days, what callers would send two hours before each departure, and what became of their flights."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from contract import read_columns
from features import read_flights, read_weather, rows_between, with_features, write_arrivals, write_requests

CONTRACT = Path(__file__).resolve().parent.parent / "contracts/request.yaml"


def main() -> None:
    first, last = (dt.date.fromisoformat(os.environ[f"PENSTOCK_PARAM_{name}"]) for name in ("FIRST", "LAST"))
    flights, weather = (Path(os.environ[f"PENSTOCK_INPUT_{name}"]) for name in ("FLIGHTS", "WEATHER"))
    rows = rows_between(with_features(read_flights(flights), read_weather(weather)), first, last)
    if rows.empty:
        raise SystemExit(f"The data has no flight from {first} to {last}; every day asked for must lie within 2013.")
    write_requests(rows, read_columns(CONTRACT), Path(os.environ["PENSTOCK_OUTPUT_REQUESTS"]))
    write_arrivals(rows, Path(os.environ["PENSTOCK_OUTPUT_ARRIVALS"]))


if __name__ == "__main__":
    main()
