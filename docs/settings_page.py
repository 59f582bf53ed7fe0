"""Writes docs/settings.md from the settings classes: `python -m docs.settings_page [--check]`, from the repository's root."""

import argparse
import importlib
import importlib.util
import sys
import types
import typing
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from driftline_core.settings import ComponentSettings

PAGE: Final = Path(__file__).parent / "settings.md"
PACKAGES: Final = (
    "driftline_core",
    "driftline_collector",
    "driftline_analyzers",
    "driftline_analyzers.judge",
    "driftline_api",
    "driftline_alerts",
    "driftline_cli",
)
_INTRODUCTION: Final = """\
# Settings

Each component reads its settings once, when it starts, from environment variables. A value that cannot mean anything stops it
with a message that names the variable. Lists are given with commas between their values, or as JSON (`a,b` or `["a", "b"]`);
objects as JSON. What an instrumented app reads is in [sdk.md](sdk.md).

This page is made from the classes by `python -m docs.settings_page`; a test fails when it is stale or a setting has no description.
"""
_WORDS: Final[dict[object, str]] = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
    timedelta: "duration (seconds, or ISO 8601 like PT1H)",
}
_BOUNDS: Final = (
    ("ge", "≥"),
    ("gt", ">"),
    ("le", "≤"),
    ("lt", "<"),
    ("min_length", "length ≥"),
    ("max_length", "length ≤"),
)


def settings_classes() -> list[type[ComponentSettings]]:
    """Every settings class of every component, in the order of the packages and their definition."""
    modules = [
        importlib.import_module(f"{package}.settings")
        for package in PACKAGES
        if importlib.util.find_spec(f"{package}.settings") is not None
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ComponentSettings)
        and value is not ComponentSettings
        and value.__module__ == module.__name__
    ]


def variable(settings: type[ComponentSettings], name: str) -> str:
    """The environment variable of a field."""
    return (str(settings.model_config.get("env_prefix", "")) + name).upper()


def bounds(field: FieldInfo) -> list[str]:
    """What values are allowed, e.g. ['≥ 0', '≤ 65535']."""
    found = []
    for entry in field.metadata:
        found += [
            f"{sign} {_shown(getattr(entry, name))}" for name, sign in _BOUNDS if getattr(entry, name, None) is not None
        ]
        if (pattern := getattr(entry, "pattern", None)) is not None:
            found.append(f"matches `{pattern}`")
    return found


def page(classes: Iterable[type[ComponentSettings]]) -> str:
    """The page's Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(settings) for settings in classes)])


def _section(settings: type[ComponentSettings]) -> str:
    rows = [
        " | ".join(
            [
                f"| `{variable(settings, name)}`",
                _escaped("; ".join([_words(field.annotation), *bounds(field)])),
                _escaped(_default(field)),
                f"{_escaped(field.description or '')} |",
            ]
        )
        for name, field in settings.model_fields.items()
    ]
    summary = (settings.__doc__ or "").strip().split("\n")[0]
    heading = f"## {settings.__name__.removesuffix('Settings')}\n\n{summary}\n"
    return "\n".join([heading, "| Variable | Value | Default | Meaning |", "|---|---|---|---|", *rows, ""])


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0])
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_words(argument) for argument in arguments if argument is not types.NoneType)
    if origin is Literal:
        return "one of " + ", ".join(f"`{argument}`" for argument in arguments)
    if origin in {tuple, list, frozenset, set}:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"JSON object of {_words(arguments[1])} by name"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case None:
            return "unset"
        case () | [] | frozenset():
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple() | list():
            return f"`{','.join(map(str, value))}`"
        case _:
            return f"`{_shown(value)}`"


def _shown(value: object) -> str:
    return f"{value.total_seconds():.15g} s" if isinstance(value, timedelta) else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with --check only compare; exit status 1 when it is stale."""
    parser = argparse.ArgumentParser(prog="python -m docs.settings_page", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is stale")
    text = page(settings_classes())
    if parser.parse_args(arguments).check:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
