"""The English words that grounding knows by what they do."""

import tomllib
from functools import cache
from importlib.resources import files


def english(name: str) -> frozenset[str]:
    """The words of a list in english.toml."""
    return frozenset(english_list(name))


def english_list(name: str) -> list[str]:
    """The same in order."""
    return _lists()[name].split()


def english_groups(name: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in _lists()[name].strip().splitlines()]


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads((files("driftline_analyzers") / "grounding" / "english.toml").read_text(encoding="utf-8"))
