"""Codes of attribute keys: a span's attributes are looked at once, by code.

Attribute keys stand in LowCardinality columns, so the engine compares each key once a block, not once a span; after that every field is a
search among integers. A code is UInt64:

    plain keys      slot << 8 | rank                      1 <= slot; keys that one field reads in a row share a slot, the best has rank 0
    indexed keys    list << 56 | {i} << 32 | part << 16 | {j}     1 <= list; sorted, the codes run list by list, item by item

In sql/generations.sql `known` are the slots of a span's plain keys in the order of their codes, `places` where their values stand in `v`,
`k<slot>` is the text of a slot, and `items` are the indexed keys put together again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from driftline_collector.mapping import DialectTable, EventDocuments, EventMessages, JsonDocuments, JsonMessages
from driftline_collector.sql_text import listed

INDEXED: Final = 1 << 56
"""The least code of an indexed key."""


class Codes:
    """The codes of one dialect table's keys, and the SQL that reads by them."""

    def __init__(self, table: DialectTable) -> None:
        self._table = table
        self._codes: dict[str, int] = {}
        self._lists: dict[str, int] = {}
        self._number_plain_keys()
        self._number_indexed_keys()

    def _number_plain_keys(self) -> None:
        uses = Counter(key for key in self._table.key_uses() if "{i}" not in key)
        slot = 0
        for field in self._table.fields_.values():
            rank = 0
            for source in field.sources:
                if source.is_bare and source.key is not None and uses[source.key] == 1 and not field.ignore:
                    slot += rank == 0
                    self._codes[source.key] = slot << 8 | rank
                    rank += 1
                else:
                    rank = 0
        for key in uses:
            if key not in self._codes:
                slot += 1
                self._codes[key] = slot << 8

    def _number_indexed_keys(self) -> None:
        lists = [source for sources in self._table.messages.values() for source in sources]
        for source in (*lists, *self._table.documents):
            if not isinstance(source, JsonMessages | JsonDocuments | EventMessages | EventDocuments):
                number = len(self._lists) + 1
                for part, key in source.parts_of_item():
                    self._lists.setdefault(source.name, number)
                    self._codes[key] = number << 56 | part << 16

    @property
    def has_indexed(self) -> bool:
        return bool(self._lists)

    def key_codes(self, key: str) -> str:
        """The code of the String `key` among the plain ones, 0 when the table does not name it."""
        plain = {name: code for name, code in self._codes.items() if code < INDEXED}
        return f"transform({key}, [{listed(plain)}], [{', '.join(map(str, plain.values()))}], 0)" if plain else "0"

    def indexed_key_codes(self, key: str) -> str:
        """The code of the String `key` among the indexed ones, its indices in it, 0 when the table does not name it."""
        indexed = {
            name.replace("{i}", "#").replace("{j}", "#"): code for name, code in self._codes.items() if code >= INDEXED
        }
        template = f"replaceRegexpAll({key}, '\\\\.[0-9]+\\\\b', '.#')"
        code = f"transform({template}, [{listed(indexed)}], [{', '.join(map(str, indexed.values()))}], 0)"
        first = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.([0-9]+)\\\\b')))"
        second = f"toUInt64(toUInt16OrZero(extract({key}, '\\\\.[0-9]+\\\\.(?:[^.]+\\\\.)*?([0-9]+)\\\\b')))"
        return f"{code} + if({code} > 0, {first} * 4294967296 + {second}, 0)"

    def slots(self) -> Iterator[str]:
        """Columns k<slot> for every slot that a field reads."""
        for slot in sorted({code >> 8 for code in self._codes.values() if code < INDEXED}):
            yield f"v[places[indexOf(known, {slot})]] AS k{slot}"

    def slot(self, key: str) -> str:
        """The column of the key's text."""
        return f"k{self._codes[key] >> 8}"

    def has_any(self, keys: Iterable[str], codes: str) -> str:
        """Whether the span has any of these plain keys; codes: `c`, whole codes, or `known`, slots."""
        shift = 0 if codes == "c" else 8
        return "(" + " OR ".join(f"has({codes}, {self._codes[key] >> shift})" for key in keys) + ")"

    def has(self, key: str) -> str:
        """Whether the span has this key, plain or indexed."""
        code = self._codes[key]
        return f"has(known, {code >> 8})" if code < INDEXED else self.has_list(code >> 56)

    def list_of(self, name: str) -> int:
        """The number of a list of indexed keys."""
        return self._lists[name]

    @staticmethod
    def has_list(*numbers: int) -> str:
        """Whether the span has an item of any of these lists."""
        return f"arrayExists(m -> (m).1 IN ({', '.join(map(str, numbers))}), items)"
