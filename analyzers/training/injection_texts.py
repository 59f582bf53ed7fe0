"""Texts for training, from templates of our own: '{a|b}' is one of these, '<topic>' a phrase of injection_phrases.txt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

_CHOICE: Final = re.compile(r"\{([^{}]*\|[^{}]*)\}")
_SLOT: Final = re.compile(r"<([a-z]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """section: what kind of text it makes; id: tells it from all others, the unit of cross-validation."""

    section: str
    id: str
    text: str


def load_templates(name: str) -> list[Template]:
    """Templates of a file beside this one, e.g. 'injection_harmless'."""
    section = ""
    found: list[Template] = []
    for line in (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line and not line.startswith("# "):
            found.append(Template(section=section, id=f"{name}:{len(found)}", text=line.replace("\\n", "\n")))
    return found


def expand(template: str, phrases: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    """One text of it; phrases may hold slots and choices themselves."""
    text = template
    for _ in range(8):
        text = _CHOICE.sub(lambda match: str(rng.choice(match[1].split("|"))), text)
        text = _SLOT.sub(lambda match: str(rng.choice(phrases[match[1]])) if match[1] in phrases else match[0], text)
    return re.sub(r" {2,}(?=\S)", " ", text.strip()) if "\n" not in text else text.strip()


def expand_many(
    templates: Sequence[Template],
    *,
    each: int,
    rng: np.random.Generator,
    extra: Mapping[str, Sequence[str]] | None = None,
) -> list[tuple[str, Template]]:
    """Up to `each` different texts a template; extra: more slots."""
    phrases = {**_load_phrases(), **(extra or {})}
    made: dict[str, Template] = {}
    for template in templates:
        for _ in range(each):
            made.setdefault(expand(template.text, phrases, rng), template)
    return list(made.items())


def _load_phrases() -> dict[str, Sequence[str]]:
    lines = (Path(__file__).parent / "injection_phrases.txt").read_text(encoding="utf-8").splitlines()
    parts = [line.replace("\\n", "\n").partition(": ") for line in lines if not line.startswith("#")]
    return {slot: text.split("|") for slot, _, text in parts}
