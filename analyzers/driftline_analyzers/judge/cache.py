"""Verdicts that were paid for, by the hash of their question."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

from driftline_analyzers.judge.question import Question
from driftline_analyzers.judge.verdict import Verdict
from driftline_core.store import Store

_LOOK_UP: Final = (files("driftline_analyzers.judge") / "sql" / "cached_verdicts.sql").read_text(encoding="utf-8")
_KEYS_PER_QUERY: Final = 1000
_COLUMNS: Final = ("key", "model", "criterion", "score", "reason", "unknown")


class VerdictCache:
    """Table `judge_verdicts`. Answers that cannot be used are kept too: they were paid for and would come again."""

    def __init__(self, store: Store, *, model: str) -> None:
        self._store = store
        self._model = model

    def look_up(self, keys: Sequence[str]) -> dict[str, Verdict]:
        """The known verdicts by key. Raises StoreError."""
        known: dict[str, Verdict] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            rows = self._store.rows(_LOOK_UP, {"keys": list(keys[start : start + _KEYS_PER_QUERY])})
            for row in rows:
                known[str(row["key"])] = Verdict(
                    score=row["score"], reason=str(row["reason"]), unknown=row["unknown"] or None
                )
        return known

    def keep(self, verdicts: Iterable[tuple[Question, Verdict]]) -> None:
        """Store them. Raises StoreError."""
        self._store.insert(
            "judge_verdicts",
            _COLUMNS,
            [
                (
                    bytes.fromhex(asked.key),
                    self._model,
                    asked.name,
                    verdict.score,
                    verdict.reason,
                    verdict.unknown or "",
                )
                for asked, verdict in verdicts
            ],
        )
