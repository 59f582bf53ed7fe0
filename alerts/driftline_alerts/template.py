"""The part of Go's templates that rule labels and annotations use.

    {{ $labels.service }}  {{ .Labels.service }}  {{ $labels.missing }} -> ""
    {{ $value }}  {{ .Value }}  {{ $value | humanize }}  {{ printf "%.2f" $value }}  {{ $value | printf "%.2f" }}
    {{ humanizePercentage $value }}  {{ $labels.model | toUpper }}  {{ $externalURL }}  {{- trims spaces -}}  {{/* comment */}}

Anything else (if, range, query, nested calls) is refused when the rule is loaded, never sent half-rendered.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from driftline_alerts.errors import TemplateError
from driftline_alerts.go_format import (
    format_value,
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    printf,
)

Value = float | str

_ACTION: Final = re.compile(r"\{\{(?P<left>-(?=\s))?(?P<body>.*?)(?P<right>(?<=\s)-)?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=[\s|]|$)"""
    r"""|(?P<label>\$labels\.|\.Labels\.)(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)(?=[\s|]|$)|(?P<value>\$value|\.Value)(?=[\s|]|$)"""
    r"""|(?P<url>\$externalURL|\.ExternalURL)(?=[\s|]|$)|(?P<function>[a-zA-Z][a-zA-Z0-9_]*)(?=[\s|]|$)|(?P<pipe>\|))""",
)
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "r": "\r"}


def _number(argument: Value, function: str) -> float:
    try:
        return float(argument)
    except ValueError as error:
        raise TemplateError(f"expected a number for {function}, got {argument!r}") from error


def _on_number(function: Callable[[float], str]) -> Callable[..., str]:
    def call(argument: Value) -> str:
        return function(_number(argument, function.__name__))

    return call


def _printf(template: Value, *arguments: Value) -> str:
    if not isinstance(template, str):
        raise TemplateError(f"expected a format in quotes as the first argument of printf, got {template}")
    return printf(template, *arguments)


def _replace_all(pattern: Value, replacement: Value, text: Value) -> str:
    try:
        expanded = re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", str(replacement))
        return re.sub(str(pattern), expanded, str(text))
    except (re.error, IndexError) as error:
        raise TemplateError(f"expected a regular expression for reReplaceAll, got {pattern!r}: {error}") from error


# name -> (fewest arguments, most arguments, function)
_FUNCTIONS: Final[Mapping[str, tuple[int, int, Callable[..., str]]]] = {
    "humanize": (1, 1, _on_number(humanize)),
    "humanize1024": (1, 1, _on_number(humanize1024)),
    "humanizeDuration": (1, 1, _on_number(humanize_duration)),
    "humanizePercentage": (1, 1, _on_number(humanize_percentage)),
    "humanizeTimestamp": (1, 1, _on_number(humanize_timestamp)),
    "printf": (1, 9, _printf),
    "reReplaceAll": (3, 3, _replace_all),
    "toLower": (1, 1, lambda text: str(text).lower()),
    "toUpper": (1, 1, lambda text: str(text).upper()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    labels: Mapping[str, str]
    value: float
    external_url: str


_Operand = Callable[[_Context], Value]
_Command = tuple[str | None, tuple[_Operand, ...]]  # function or None, and what is written after it


class Template:
    """A parsed text. Raises TemplateError when text is outside the subset, at once and not when the alert fires."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts: list[str | list[_Command]] = []
        position = 0
        trims_next = False
        for match in _ACTION.finditer(text):
            before = text[position : match.start()]
            before = before.lstrip() if trims_next else before
            self._parts.append(before.rstrip() if match["left"] else before)
            trims_next = match["right"] is not None
            position = match.end()
            if not _COMMENT.fullmatch(match["body"]):
                self._parts.append(_parse_pipeline(match["body"], match[0]))
        rest = text[position:]
        if "{{" in rest:
            raise TemplateError(f"expected }}}} after {rest[rest.index('{{') :][:40]!r}")
        self._parts.append(rest.lstrip() if trims_next else rest)

    def render(self, labels: Mapping[str, str], value: float, *, external_url: str = "") -> str:
        """The text for one series. Raises TemplateError when a function does not take what it is given."""
        context = _Context(labels=labels, value=value, external_url=external_url)
        return "".join(part if isinstance(part, str) else _run(part, context) for part in self._parts)


def _parse_pipeline(body: str, action: str) -> list[_Command]:
    commands: list[_Command] = []
    words: list[tuple[str | None, _Operand | None]] = []
    position = 0
    end = len(body.rstrip())

    def close_command() -> None:
        if not words:
            raise TemplateError(f"expected something to print between the braces or pipes, got {action!r}")
        function = words[0][0]
        operands = tuple(operand for _, operand in words if operand is not None)
        if len(operands) < len(words) - (function is not None):
            raise TemplateError(
                f"expected a value after {words[0][0] or 'a value'}, got another function in {action!r}"
            )
        n_arguments = len(operands) + bool(commands)
        if function is None:
            if len(operands) > 1 or commands:
                raise TemplateError(f"expected a function, got a plain value in {action!r}")
        else:
            fewest, most, _ = _FUNCTIONS[function]
            if not fewest <= n_arguments <= most:
                raise TemplateError(
                    f"expected {fewest} to {most} arguments for {function}, got {n_arguments} in {action!r}"
                )
        commands.append((function, operands))
        words.clear()

    while position < end:
        match = _TOKEN.match(body, position, end)
        if match is None:
            raise TemplateError(
                f"expected $labels.x, $value or one of {', '.join(_FUNCTIONS)}, got {body[position:end].strip()!r} in {action!r}"
            )
        position = match.end()
        if match["pipe"]:
            close_command()
        elif match["function"]:
            if match["function"] not in _FUNCTIONS:
                raise TemplateError(f"expected one of {', '.join(_FUNCTIONS)}, got {match['function']!r} in {action!r}")
            words.append((match["function"], None))
        else:
            words.append((None, _operand(match)))
    close_command()
    return commands


def _operand(match: re.Match[str]) -> _Operand:
    if match["label"]:
        name = match["name"]
        return lambda context: context.labels.get(name, "")
    if match["value"]:
        return lambda context: context.value
    if match["url"]:
        return lambda context: context.external_url
    if match["number"]:
        number = float(match["number"])
        return lambda _: number
    quoted = match["string"]
    raw = quoted[1:-1]
    text = raw if quoted[0] == "`" else re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), raw)
    return lambda _: text


def _run(commands: list[_Command], context: _Context) -> str:
    result: Value | None = None
    for function, operands in commands:
        values = [operand(context) for operand in operands]
        if result is not None:
            values.append(result)
        result = values[0] if function is None else _FUNCTIONS[function][2](*values)
    return format_value(result) if isinstance(result, float) else str(result)
