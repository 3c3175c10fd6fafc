"""Makes the training and holdout rows from New York's flights and weather of 2013.

A decision about a flight is made two hours before its scheduled departure, and every feature is computed from what
had happened by then. Instants are whole minutes since 1970 in UTC, so that windows cross midnight and the change to
summer time without a special case.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from contract import Column, label_name, read_columns

PROJECT = Path(__file__).resolve().parent.parent
DECISION_LEAD_MINUTES = 120
ORIGIN_WINDOW_MINUTES = 120
CARRIER_WINDOW_MINUTES = 180
AIRCRAFT_WINDOW_MINUTES = 24 * 60
FEED_WINDOW_MINUTES = 180
LATE_AFTER_MINUTES = 15
# The operations feed calls a departure on time up to this delay.
FEED_ON_TIME_MINUTES = 5
FIRST_DAY = dt.date(2013, 1, 1)
# Later than any decision, so that a flight that never left is one that has not left yet.
NEVER = np.iinfo(np.int64).max


def read_flights(path: Path) -> pd.DataFrame:
    """All flights in schedule order; the order is total, so that the same source gives the same bytes."""
    flights = _read_csv(path)
    flights["scheduled"] = _minutes(flights["time_hour"]) + flights["minute"]
    flights["decided"] = flights["scheduled"] - DECISION_LEAD_MINUTES
    left = flights["scheduled"] + flights["dep_delay"]
    flights["left"] = left.fillna(NEVER).astype("int64").where(left.notna(), NEVER)
    flights["date"] = pd.to_datetime(flights[["year", "month", "day"]])
    return flights.sort_values(["scheduled", "origin", "carrier", "flight"], kind="stable", ignore_index=True)


def read_weather(path: Path) -> pd.DataFrame:
    """Observations by airport and hour since 1970."""
    weather = _read_csv(path)
    weather["observed_hour"] = _minutes(weather["time_hour"]) // 60
    return weather.rename(
        columns={"temp": "temperature", "wind_dir": "wind_direction", "precip": "precipitation"}
    )[["origin", "observed_hour", "temperature", "wind_direction", "pressure", "precipitation"]]


def with_features(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The flights with every column that the contracts name, label included."""
    table = flights.assign(
        tail_number=flights["tailnum"],
        departure_minute=flights["hour"] * 60 + flights["minute"],
        hourly_departures=flights.groupby(["origin", "time_hour"])["flight"].transform("size"),
        recent_departure_delay=delay_so_far(flights, ["origin"], ORIGIN_WINDOW_MINUTES),
        carrier_departure_delay=delay_so_far(flights, ["origin", "carrier"], CARRIER_WINDOW_MINUTES),
        aircraft_delay=aircraft_delay(flights),
        on_time_share=on_time_share(flights),
        late=flights["arr_delay"].gt(LATE_AFTER_MINUTES),
        scheduled_departure=pd.to_datetime(flights["scheduled"] * 60, unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        # An hour's observation counts as known once that hour is over.
        observed_hour=flights["decided"] // 60 - 1,
    )
    table = table.merge(weather, on=["origin", "observed_hour"], how="left", validate="many_to_one")
    return table.astype({"wind_direction": "Int64", "aircraft_delay": "Int64"})


def delay_so_far(flights: pd.DataFrame, keys: list[str], window: int) -> pd.Series:
    """Mean delay, as it stood at each flight's decision, of the group's flights due in the window before it.

    A flight that had not left by then counts with the time it had waited. Leaving it out would hide a ground stop,
    during which nothing leaves and the mean over departures looks fine.
    """
    result = np.full(len(flights), np.nan)
    for rows, scheduled, left, decided in _groups(flights, keys):
        first = np.searchsorted(scheduled, decided - window, side="right")
        count = np.searchsorted(scheduled, decided, side="right") - first
        # One entry per pair of a decision and a flight in its window.
        decision = np.repeat(np.arange(len(rows)), count)
        seen = np.arange(len(decision)) - np.repeat(np.cumsum(count) - count - first, count)
        delay = np.maximum(np.minimum(left[seen], decided[decision]) - scheduled[seen], 0)
        total = np.bincount(decision, weights=delay, minlength=len(rows))
        result[rows] = np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0)
    return pd.Series(result.round(2), index=flights.index)


def aircraft_delay(flights: pd.DataFrame) -> pd.Series:
    """Delay, as it stood at each flight's decision, of the last flight that its aircraft was due to make by then."""
    result = np.full(len(flights), np.nan)
    for rows, scheduled, left, decided in _groups(flights, ["tailnum"]):
        last = np.searchsorted(scheduled, decided, side="right") - 1
        recent = (last >= 0) & (scheduled - scheduled[last] <= AIRCRAFT_WINDOW_MINUTES)
        result[rows] = np.where(recent, np.minimum(left[last], decided) - scheduled[last], np.nan)
    return pd.Series(result, index=flights.index)


def on_time_share(flights: pd.DataFrame) -> pd.Series:
    """What the operations feed of New York's airports says at each flight's decision, in percent; 100 when no flight was due."""
    scheduled, left, decided = (flights[name].to_numpy() for name in ("scheduled", "left", "decided"))
    first = np.searchsorted(scheduled, decided - FEED_WINDOW_MINUTES, side="right")
    # Those due since then cannot have waited longer yet.
    recent = np.searchsorted(scheduled, decided - FEED_ON_TIME_MINUTES, side="left")
    last = np.searchsorted(scheduled, decided, side="right")
    punctual = np.concatenate([[0], np.cumsum(left <= scheduled + FEED_ON_TIME_MINUTES)])
    count = last - first
    on_time = punctual[recent] - punctual[first] + last - recent
    share = np.divide(100 * on_time, count, out=np.full(len(flights), 100.0), where=count > 0)
    return pd.Series(share.round(1), index=flights.index)


def rows_between(table: pd.DataFrame, first: dt.date, last: dt.date) -> pd.DataFrame:
    """The rows whose local date of departure is in the closed range."""
    return table[table["date"].between(pd.Timestamp(first), pd.Timestamp(last))]


def with_outcome(table: pd.DataFrame) -> pd.DataFrame:
    """Only flights that arrived: a cancelled or diverted one was neither late nor on time."""
    return table[table["arr_delay"].notna()]


def write_csv(table: pd.DataFrame, columns: list[Column], path: Path) -> None:
    """A null is an empty field, a boolean is true or false."""
    rows = table[[column.name for column in columns]].copy()
    label = label_name(columns)
    rows[label] = rows[label].map({True: "true", False: "false"})
    rows.to_csv(path, index=False, lineterminator="\n")


def write_requests(table: pd.DataFrame, columns: list[Column], path: Path) -> None:
    """One decision request a line for every flight with an aircraft, those that were later cancelled included."""
    rows = table.loc[table["tail_number"].notna(), [column.name for column in columns]].astype(object)
    records = rows.where(rows.notna(), None).to_dict(orient="records")
    lines = [json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8")


def write_arrivals(table: pd.DataFrame, path: Path) -> None:
    """What became true about each request of `write_requests` whose flight arrived: its line there, late or not, and when it landed."""
    rows = table[table["tail_number"].notna()].reset_index(drop=True)
    landed = pd.to_datetime((rows["left"] + rows["air_time"]) * 60, unit="s")
    lines = [
        json.dumps({"row": row + 1, "value": bool(rows["late"][row]), "at": landed[row].strftime("%Y-%m-%dT%H:%M:%SZ")}, separators=(",", ":")) + "\n"
        for row in with_outcome(rows).index
    ]
    path.write_text("".join(lines), encoding="utf-8")


def _groups(flights: pd.DataFrame, keys: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Each group's row numbers, and its instants scheduled, left and decided, in schedule order."""
    scheduled, left, decided = (flights[name].to_numpy() for name in ("scheduled", "left", "decided"))
    for rows in flights.groupby(keys).indices.values():
        yield rows, scheduled[rows], left[rows], decided[rows]


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise SystemExit(f"There is no data at {path}; the ingest stage makes it.") from None


def _minutes(instants: pd.Series) -> pd.Series:
    return (pd.to_datetime(instants, utc=True) - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(minutes=1)


def main() -> None:
    until = dt.date.fromisoformat(os.environ["PENSTOCK_PARAM_UNTIL"])
    holdout_start = until - dt.timedelta(days=int(os.environ["PENSTOCK_PARAM_HOLDOUT_DAYS"]) - 1)
    flights, weather = (Path(os.environ[f"PENSTOCK_INPUT_{name}"]) for name in ("FLIGHTS", "WEATHER"))
    columns = read_columns(PROJECT / os.environ["PENSTOCK_PARAM_TRAINING"])
    known = with_outcome(with_features(read_flights(flights), read_weather(weather)))
    train = rows_between(known, FIRST_DAY, holdout_start - dt.timedelta(days=1))
    holdout = rows_between(known, holdout_start, until)
    for name, rows in {"training": train, "the holdout": holdout}.items():
        if rows.empty:
            raise SystemExit(f"The data has no flight for {name}; every day asked for must lie within 2013.")
    write_csv(train, columns, Path(os.environ["PENSTOCK_OUTPUT_TRAIN"]))
    write_csv(holdout, columns, Path(os.environ["PENSTOCK_OUTPUT_HOLDOUT"]))


if __name__ == "__main__":
    main()
