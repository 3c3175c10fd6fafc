"""Makes the decision requests of a range of days, what callers would send two hours before each departure, and what became of their flights."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pandas as pd

from contract import read_columns
from features import read_flights, read_weather, rows_between, with_features, write_arrivals, write_requests

CONTRACT = Path(__file__).resolve().parent.parent / "contracts/request.yaml"


def without_feed(rows: pd.DataFrame, outages: str) -> pd.DataFrame:
    """The rows as callers send them when the operations feed is silent on the days of departure of `outages`, such as 2013-09-05/2013-09-06,2013-09-11/2013-09-30."""
    if outages == "none":
        return rows
    silent = pd.Series(False, index=rows.index)
    for span in outages.split(","):
        try:
            first, last = map(dt.date.fromisoformat, span.split("/"))
        except ValueError:
            raise SystemExit(f"'{span}' is no span of days; write first/last such as 2013-09-05/2013-09-06, or none.") from None
        silent |= rows["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    return rows.assign(on_time_share=rows["on_time_share"].mask(silent))


def main() -> None:
    first, last = (dt.date.fromisoformat(os.environ[f"PENSTOCK_PARAM_{name}"]) for name in ("FIRST", "LAST"))
    flights, weather = (Path(os.environ[f"PENSTOCK_INPUT_{name}"]) for name in ("FLIGHTS", "WEATHER"))
    rows = rows_between(with_features(read_flights(flights), read_weather(weather)), first, last)
    if rows.empty:
        raise SystemExit(f"The data has no flight from {first} to {last}; every day asked for must lie within 2013.")
    rows = without_feed(rows, os.environ["PENSTOCK_PARAM_OUTAGES"])
    write_requests(rows, read_columns(CONTRACT), Path(os.environ["PENSTOCK_OUTPUT_REQUESTS"]))
    write_arrivals(rows, Path(os.environ["PENSTOCK_OUTPUT_ARRIVALS"]))


if __name__ == "__main__":
    main()
