"""Pieces of SQL as text, for the modules that write expressions."""

from collections.abc import Iterable, Sequence


def quoted(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed(texts: Iterable[str]) -> str:
    """SQL string literals with commas between."""
    return ", ".join(map(quoted, texts))


def first_of(texts: Sequence[str]) -> str:
    """SQL of the first of these texts that is not empty. Few are named twice; of many each once, for what is written twice is planned
    twice."""
    if len(texts) == 1:
        return texts[0]
    if len(texts) > 4:
        return f"arrayFirst(x -> x != '', [{', '.join(texts)}])"
    cases = (f"{text} != '', {text}" for text in texts[:-1])
    return f"multiIf({', '.join(cases)}, {texts[-1]})"


def unquoted(text: str) -> str:
    """SQL of the text in a JSON string, or of `text` as it is when it is none."""
    return f"if(startsWith({text}, '\"'), JSONExtractString({text}), {text})"
