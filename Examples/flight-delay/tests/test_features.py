"""Features are what was known at the decision, and every row of 2013 lies within the contracts."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import DATA, EXAMPLE
from contract import features, read_columns
from decision_requests import without_feed
from features import NEVER, aircraft_delay, delay_so_far, on_time_share, read_flights, read_weather, with_features, write_arrivals, write_requests
from outcomes import join

TRAINING = EXAMPLE / "contracts/training.yaml"
ON_TIME = EXAMPLE / "contracts/training-on-time.yaml"
REQUEST = EXAMPLE / "contracts/request.yaml"
FEATURES = [column.name for column in features(read_columns(REQUEST))]


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return read_flights(DATA / "flights.csv")


@pytest.fixture(scope="module")
def weather() -> pd.DataFrame:
    return read_weather(DATA / "weather.csv")


@pytest.fixture(scope="module")
def table(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    return with_features(flights, weather)


# A storm, a normal day, and the night on which summer time began.
@pytest.mark.parametrize("day", ["2013-06-07", "2013-04-16", "2013-03-10"])
def test_nothing_after_the_decision_changes_a_feature(
    flights: pd.DataFrame, weather: pd.DataFrame, table: pd.DataFrame, day: str
) -> None:
    # No feature looks back further than a day and two hours.
    last = pd.Timestamp(day)
    window = flights["date"].between(last - pd.Timedelta(days=2), last)
    world = flights[window].reset_index(drop=True)
    expected = table[window].reset_index(drop=True)
    for row in world.index[world["date"] == day][::31]:
        decided = world.at[row, "decided"]
        seen = world.copy()
        seen.loc[seen["left"] > decided, "left"] = NEVER
        seen[["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]] = float("nan")
        observed = weather[(weather["observed_hour"] + 1) * 60 <= decided]
        actual = with_features(seen, observed)
        pd.testing.assert_frame_equal(actual.loc[[row], FEATURES], expected.loc[[row], FEATURES])


def test_a_flight_still_waiting_counts_with_its_wait() -> None:
    # Two hours before the decision at 300 one leaves half an hour late, one not at all, one early.
    world = schedule([(200, 230), (250, NEVER), (300, 295), (420, 430)])
    assert delay_so_far(world, ["origin"], 120).tolist()[3] == pytest.approx((30 + 50 + 0) / 3, abs=0.005)


@pytest.mark.parametrize(("left", "delay"), [(250, 10), (230, -10), (400, 60), (NEVER, 60)])
def test_the_delay_of_an_aircraft_grows_until_the_decision(left: int, delay: int) -> None:
    assert aircraft_delay(schedule([(240, left), (420, 430)])).tolist()[1] == delay


def test_the_feed_counts_a_flight_that_waits_longer_as_late() -> None:
    # At the decision at 300 one has left in time, one too late, one waits ten minutes, one five.
    world = schedule([(200, 205), (210, 216), (290, NEVER), (295, NEVER), (420, 430)])
    assert on_time_share(world).tolist() == [100, 100, 100, 100, 50]


def schedule(flights: list[tuple[int, int]]) -> pd.DataFrame:
    """Flights of one aircraft from one airport, as (scheduled, left)."""
    world = pd.DataFrame(flights, columns=["scheduled", "left"])
    return world.assign(origin="JFK", tailnum="N1", decided=world["scheduled"] - 120)


@pytest.mark.parametrize("contract", [TRAINING, ON_TIME])
def test_every_row_lies_within_the_contract(table: pd.DataFrame, contract: Path) -> None:
    columns = yaml.safe_load(contract.read_text(encoding="utf-8"))["schema"][0]["properties"]
    arrived = table[table["arr_delay"].notna()]
    for column in columns:
        values = arrived[column["name"]]
        assert not column["required"] or values.notna().all(), column["name"]
        options = column.get("logicalTypeOptions", {})
        if "minimum" in options:
            assert values.dropna().between(options["minimum"], options["maximum"]).all(), column["name"]
        for rule in column.get("quality", []):
            assert values.isin(rule["arguments"]["validValues"]).all(), column["name"]


@pytest.mark.parametrize(("contract", "unused"), [(TRAINING, "on_time_share"), (ON_TIME, "recent_departure_delay")])
def test_the_request_contract_serves_the_models_of_both_training_contracts(contract: Path, unused: str) -> None:
    training = yaml.safe_load(contract.read_text(encoding="utf-8"))["schema"][0]["properties"]
    request = yaml.safe_load(REQUEST.read_text(encoding="utf-8"))["schema"][0]["properties"]
    assert [column for column in request if column["name"] != unused] == [column for column in training if column["name"] != "late"]


def test_the_feed_reports_always_but_in_an_outage(table: pd.DataFrame) -> None:
    assert table["on_time_share"].notna().all()
    rows = without_feed(table, "2013-09-05/2013-09-06,2013-09-11/2013-09-30")
    silent = rows["date"].between("2013-09-05", "2013-09-06") | rows["date"].between("2013-09-11", "2013-09-30")
    assert rows["on_time_share"].isna().equals(silent)
    assert without_feed(table, "none").equals(table)


@pytest.mark.parametrize("outages", ["", "2013-09-05", "2013-09-05/2013-09-31", "2013-09-05/2013-09-06,"])
def test_an_outage_is_a_span_of_days(table: pd.DataFrame, outages: str) -> None:
    with pytest.raises(SystemExit, match="is no span of days"):
        without_feed(table, outages)


def test_a_request_holds_exactly_the_fields_of_its_contract(table: pd.DataFrame, tmp_path: Path) -> None:
    columns = read_columns(REQUEST)
    day = table[table["date"] == "2013-07-01"]
    write_requests(day, columns, tmp_path / "requests.jsonl")
    requests = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(requests) == day["tail_number"].notna().sum() > 0
    assert all(list(request) == [column.name for column in columns] for request in requests)
    departures = [request["scheduled_departure"] for request in requests]
    assert departures == sorted(departures)


def test_outcomes_belong_to_the_requests_of_flights_that_arrived(table: pd.DataFrame, tmp_path: Path) -> None:
    day = table[table["date"] == pd.Timestamp("2013-07-01")]
    write_requests(day, read_columns(REQUEST), tmp_path / "requests.jsonl")
    write_arrivals(day, tmp_path / "arrivals.jsonl")
    requests = [json.loads(line) for line in (tmp_path / "requests.jsonl").open()]
    answers = [{"row": row + 1, "decision_id": f"{row:032x}", "decision": "none"} for row in range(len(requests)) if row % 3]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    outcomes = [json.loads(line) for line in join(tmp_path / "answers.jsonl", tmp_path / "arrivals.jsonl")]
    flown = day[day["tail_number"].notna()].reset_index(drop=True)
    expected = {f"{row:032x}": bool(flown["late"][row]) for row in flown.index[flown["arr_delay"].notna()] if row % 3}
    assert {outcome["decision_id"]: outcome["value"] for outcome in outcomes} == expected
    assert len(requests) == len(flown) > len(expected) * 1.4
    scheduled = {f"{row:032x}": requests[row]["scheduled_departure"] for row in range(len(requests))}
    assert all(outcome["at"] > scheduled[outcome["decision_id"]][:10] for outcome in outcomes)
