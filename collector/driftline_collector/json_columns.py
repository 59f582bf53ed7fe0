"""Which attributes are read inside their JSON, and what: as few parses a key as the shapes allow, each into a named tuple."""

from collections.abc import Callable, Iterator, Sequence

from driftline_collector.mapping import DialectTable, JsonMessages

Path = tuple[str | int, ...]
_Tree = dict[str | int, "_Tree"]


class JsonColumns:
    """Every path that a table reads inside a JSON attribute. Paths that want one place to be an array and an object, or a text and an
    object, are read in parses of their own."""

    def __init__(self, table: DialectTable) -> None:
        self._parses: dict[str, list[_Tree]] = {}
        self._place: dict[tuple[str, Path], int] = {}
        self._kinds: dict[str, set[str] | None] = {}
        for field in table.fields_.values():
            for source in field.sources:
                if source.path and source.key is not None:
                    self._add(source.key, source.path, source.kinds or field.kinds)
        for messages in table.messages.values():
            for message in messages:
                if isinstance(message, JsonMessages) and message.path:
                    self._add(message.key, message.path, message.kinds)

    def _add(self, key: str, path: Path, kinds: Sequence[str]) -> None:
        parses = self._parses.setdefault(key, [])
        number = next((number for number, tree in enumerate(parses) if _fits(tree, path)), len(parses))
        if number == len(parses):
            parses.append({})
        _put(parses[number], path)
        self._place[key, path] = number
        wanted = set(kinds) or None
        known = self._kinds.setdefault(key, set() if wanted else None)
        self._kinds[key] = known | wanted if known is not None and wanted is not None else None

    def columns(self, slot: Callable[[str], str]) -> Iterator[str]:
        """Columns j<number>_<slot> for every parse. slot: the SQL name of a key's text."""
        for key, parses in self._parses.items():
            text = slot(key)
            kinds = self._kinds[key]
            listed = ", ".join(f"'{kind}'" for kind in sorted(kinds or ()))
            guard = f"startsWith({text}, '{{')" + (f" AND kind IN ({listed})" if kinds else "")
            for number, tree in enumerate(parses):
                kind = _type(tree).replace("\\", "\\\\").replace("'", "\\'")
                yield f"JSONExtract(if({guard}, {text}, ''), '{kind}') AS j{number}_{text}"

    def value(self, text: str, key: str, path: Path) -> str:
        """SQL of the text at a path of the key whose text is named `text`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".`{step}`" for step in path)
        return f"j{self._place[key, path]}_{text}{''.join(steps)}"


def _fits(tree: _Tree, path: Path) -> bool:
    """Whether the path can be read in the same parse: nowhere an array where others see an object, or a text with members."""
    node = tree
    for place, step in enumerate(path):
        if step not in node:
            return all(isinstance(known, int) == isinstance(step, int) for known in node)
        node = node[step]
        if not node:  # a text so far: it may only be this very path
            return place == len(path) - 1
    return False  # the path ends where others go on


def _put(tree: _Tree, path: Path) -> None:
    for step in path:
        tree = tree.setdefault(step, {})


def _type(tree: _Tree) -> str:
    if not tree:
        return "String"
    steps = list(tree)
    if isinstance(steps[0], int):
        return f"Array({_type(tree[steps[0]])})"
    return f"Tuple({', '.join(f'`{name}` {_type(below)}' for name, below in tree.items())})"
