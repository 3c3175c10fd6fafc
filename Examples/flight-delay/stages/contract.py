"""Reads what the stages need of a data contract: its columns in order, their roles and their allowed values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Column:
    """One column of a contract; `categories` is empty where any value of the type is allowed."""

    name: str
    logical_type: str
    role: str
    categories: tuple[str, ...]


def read_columns(path: Path) -> list[Column]:
    """The columns of the contract's only table, in the contract's order."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"There is no contract at {path}; name it with --contract.") from None
    except yaml.YAMLError as error:
        raise SystemExit(f"The contract {path} is not YAML: {error}") from None
    try:
        (table,) = document["schema"]
        return [_column(each) for each in table["properties"]]
    except (KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"The contract {path} is not one ODCS table whose columns have roles: {error!r}") from None


def features(columns: list[Column]) -> list[Column]:
    return [column for column in columns if column.role == "feature"]


def label_name(columns: list[Column]) -> str:
    return next(column.name for column in columns if column.role == "label")


def _column(entry: dict) -> Column:
    properties = {each["property"]: each["value"] for each in entry["customProperties"]}
    categories = [
        value
        for rule in entry.get("quality", [])
        if rule.get("metric") == "invalidValues"
        for value in rule["arguments"]["validValues"]
    ]
    return Column(entry["name"], entry["logicalType"], properties["penstock.role"], tuple(categories))
