"""Keeps the tables of docs/dialects.md true to the dialect table and the recordings: `python -m docs.dialects_page [--check]`, from the
repository's root."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from driftline_collector.mapping import CanonicalField, DialectTable, Source, load_table

PAGE: Final = Path(__file__).parent / "dialects.md"
RECORDINGS: Final = Path(__file__).parents[1] / "tests" / "collector" / "recordings"
_BLOCK: Final = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_TRANSPORT: Final = re.compile(r"^(@?opentelemetry[-/](exporter|sdk|semantic|otlp).*|logfire-sdk)$")


def recorded() -> dict[str, tuple[int, list[str]]]:
    """Dialect to how many runs of its SDKs are recorded, and the packages with their versions."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for path in sorted(RECORDINGS.glob("*.traces*.meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        groups, packages = found.setdefault(meta["dialect"], (set(), set()))
        groups.add(meta["group"])
        packages |= {f"{name} {version}" for name, version in meta["versions"].items() if not _TRANSPORT.match(name)}
    return {dialect: (len(groups), sorted(packages)) for dialect, (groups, packages) in found.items()}


def dialects_table(table: DialectTable, runs: Mapping[str, tuple[int, list[str]]]) -> Iterator[str]:
    yield "| dialect | recognised by | recorded with | recordings |"
    yield "|---|---|---|---|"
    for rule in table.recognise:
        ways = [", ".join(f"`{key}`" for key in rule.keys)] if rule.keys else []
        ways += [f"scope {', '.join(f'`{scope}`' for scope in rule.scopes)}"] if rule.scopes else []
        count, packages = runs.get(rule.dialect, (0, []))
        yield f"| {rule.dialect} | {'; '.join(ways)} | {', '.join(packages) or 'not recorded'} | {count} |"


def fields_table(table: DialectTable) -> Iterator[str]:
    yield "| field | type | sources, the first that is not empty |"
    yield "|---|---|---|"
    for name, field in table.fields_.items():
        yield f"| `{name}` | {_type(field)} | {', '.join(map(_source, field.sources))} |"


def page(text: str) -> str:
    """The page with its tables made anew."""
    table = load_table()
    blocks = {"dialects": dialects_table(table, recorded()), "fields": fields_table(table)}
    return _BLOCK.sub(lambda found: found[1] + "\n".join([*blocks[found[2]], ""]) + found[3], text)


def _type(field: CanonicalField) -> str:
    return field.type + (f", of {', '.join(field.kinds)}" if field.kinds else "")


def _source(source: Source) -> str:
    if source.resource is not None:
        text = f"resource `{source.resource}`"
    elif source.event is not None:
        text = f"event `{source.event}`" + (f" `{source.key}`" if source.key else "")
    elif source.output is not None:
        text = f"{source.output} of the output messages"
    else:
        text = f"`{source.key}`" + (f" at `{'.'.join(map(str, source.path))}`" if source.path else "")
    return (text + (f" of {', '.join(source.kinds)}" if source.kinds else "")).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with --check only compare; exit status 1 when it is stale."""
    parser = argparse.ArgumentParser(prog="python -m docs.dialects_page", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is stale")
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if parser.parse_args(arguments).check:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
