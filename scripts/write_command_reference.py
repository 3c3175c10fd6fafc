"""Writes docs/reference/commands.md from what the program says about itself.

usage: write_command_reference.py [--check] [--program PATH]        default: .build/debug/penstock

With --check it writes nothing, and exits 1 with one sentence when the page is not what the program says.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/commands.md"
HELP = {"version", "help"}


def ask(program: Path) -> dict[str, Any]:
    try:
        answer = subprocess.run([str(program), "--experimental-dump-help"], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{program} does not describe itself ({error}); build it, or name another with --program")
    return json.loads(answer.stdout)["command"]


def shown(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [thing for thing in things if thing.get("shouldDisplay", True)]


def arguments(command: dict[str, Any]) -> list[dict[str, Any]]:
    return [argument for argument in shown(command.get("arguments", [])) if argument["valueName"] not in HELP or argument["kind"] == "positional"]


def spelled(argument: dict[str, Any]) -> str:
    """As it is typed: `--home <home>`, `--detach`, `<release>`."""
    value = f"<{argument['valueName']}>"
    if argument["kind"] == "positional":
        return value
    name = argument["preferredName"]
    flag = ("-" if name["kind"] == "short" else "--") + name["name"]
    return flag if argument["kind"] == "flag" else f"{flag} {value}"


def usage(path: str, command: dict[str, Any]) -> str:
    words = [path]
    for argument in arguments(command):
        word = spelled(argument) + (" ..." if argument["isRepeating"] else "")
        words.append(f"[{word}]" if argument["isOptional"] else word)
    return " ".join(words)


def discussion(command: dict[str, Any]) -> list[str]:
    """Paragraphs as text, and what is indented as code."""
    lines: list[str] = []
    for block in command.get("discussion", "").split("\n\n"):
        rows = block.split("\n")
        if all(row.startswith("  ") for row in rows):
            lines += ["```", *(row[2:] for row in rows), "```", ""]
        elif block and not block.startswith("Exit codes:"):
            lines += [block, ""]
    return lines


def table(command: dict[str, Any]) -> list[str]:
    rows: list[str] = []
    for argument in arguments(command):
        need = "yes" if not argument["isOptional"] else f"default `{argument['defaultValue']}`" if "defaultValue" in argument else ""
        values = f" One of {', '.join(argument['allValues'])}." if "allValues" in argument else ""
        rows.append(f"| `{spelled(argument)}` | {need} | {(argument.get('abstract', '') + values).replace('|', chr(92) + '|')} |")
    return ["| argument | needed | meaning |", "|---|---|---|", *rows, ""] if rows else []


def section(path: str, command: dict[str, Any]) -> list[str]:
    children = [child for child in shown(command.get("subcommands", [])) if child["commandName"] != "help"]
    lines = [f"{'##' if path.count(' ') == 1 else '###'} {path}", "", command["abstract"], ""]
    if not children:
        lines += ["```", usage(path, command), "```", "", *table(command)]
    lines += discussion(command)
    for child in children:
        lines += section(f"{path} {child['commandName']}", child)
    return lines


def page(command: dict[str, Any]) -> str:
    name = command["commandName"]
    exits = re.search(r"Exit codes: (.*)", command.get("discussion", ""))
    codes = [part.split(" ", 1) for part in exits[1].strip().rstrip(".").split(" · ")] if exits else []
    lines = ["# Commands", "", "Written by `scripts/write_command_reference.py` from the program itself; do not edit.", "", command["abstract"], ""]
    lines += discussion(command)
    lines += ["Every command also takes `--help`, and prints the program's version with `--version`.", ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|", *(f"| {code} | {meaning} |" for code, meaning in codes), ""]
    for child in shown(command["subcommands"]):
        if child["commandName"] != "help":
            lines += section(f"{name} {child['commandName']}", child)
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes docs/reference/commands.md from what the program says about itself.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when the page is stale")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/debug/penstock", help="the penstock to ask")
    options = parser.parse_args()
    content = page(ask(options.program))
    if not options.check:
        PAGE.write_text(content, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != content:
        sys.exit(f"{PAGE.relative_to(ROOT)} is not what {options.program} says; run scripts/write_command_reference.py")


if __name__ == "__main__":
    main()
