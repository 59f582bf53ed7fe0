"""Streams of real texts with and without drift, for the drift benchmarks: corpora, their vectors, sessions, mixtures."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.embedder import SentenceEmbedder

Rows = NDArray[np.int64]

SCENARIOS: Final = ("one_intent", "domain15", "oos", "prior")
CORPORA: Final = {"clinc150": "drift_clinc150", "banking77": "drift_banking77", "polyai": "drift_polyai_domains"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """vectors: (n, 384) unit length; topics, domains: (n,) names, a topic is in one domain; is_oos: (n,) out of scope of every domain."""

    name: str
    vectors: NDArray[np.float32]
    topics: NDArray[np.str_]
    domains: NDArray[np.str_]
    is_oos: NDArray[np.bool_]

    @property
    def held_out(self) -> list[str]:
        """Domains that may be new to a reference: those of at most a fifth of the texts."""
        names, counts = np.unique(self.domains[~self.is_oos], return_counts=True)
        return [str(name) for name in names[counts <= 0.2 * len(self.domains)]]


def load_corpus(name: str, *, data: Path, cache: Path) -> Corpus:
    """One of CORPORA, embedded by the bundled model or read from the cache. Raises FileNotFoundError.

    Banking77 has intents of one domain: every eighth intent by name makes a "domain". PolyAI's turns have domains and no intents.
    """
    rows = _rows(name, data)
    domains = [row.get("domain", "") for row in rows]
    topics = [row.get("intent", row.get("domain", "")) for row in rows]
    if name == "banking77":
        number = {intent: i for i, intent in enumerate(sorted(set(topics)))}
        domains = [f"group {number[intent] % 8}" for intent in topics]
    return Corpus(
        name=name,
        vectors=_vectors([row["text"] for row in rows], cache=cache, name=name),
        topics=np.asarray(topics),
        domains=np.asarray(domains),
        is_oos=np.asarray([bool(row.get("oos", False)) for row in rows]),
    )


def read_texts(name: str, *, data: Path) -> list[str]:
    """The texts of a corpus, in the order of its vectors. Raises FileNotFoundError."""
    return [row["text"] for row in _rows(name, data)]


def _rows(name: str, data: Path) -> list[dict[str, Any]]:
    with gzip.open(data / CORPORA[name] / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _vectors(texts: list[str], *, cache: Path, name: str) -> NDArray[np.float32]:
    embedder = SentenceEmbedder()
    digest = hashlib.sha256("\0".join([embedder.model_id, *texts]).encode()).hexdigest()[:16]
    file = cache / f"{name}-{digest}.npy"
    if file.exists():
        kept: NDArray[np.float32] = np.load(file)
        return kept
    vectors = embedder.embed(texts)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors)
    return vectors


class Stream:
    """A frozen reference without one domain, and windows of the same traffic, in sessions of texts of one topic; drift is mixed into them.

    Null windows are disjoint from the reference and from each other until the corpus is used up, then it is shuffled anew.
    """

    def __init__(self, corpus: Corpus, *, n_reference: int, session_size: int, number: int) -> None:
        self.corpus = corpus
        self.session_size = session_size
        self._rng = np.random.default_rng(number)
        self.new_domain = corpus.held_out[number % len(corpus.held_out)]
        is_new = corpus.domains == self.new_domain
        sessions = self._sessions(np.flatnonzero(~corpus.is_oos & ~is_new))
        n_sessions = n_reference // session_size
        self.reference, self._rest = sessions[:n_sessions], sessions[n_sessions:]
        self._new = np.flatnonzero(is_new)
        self._known = sorted(set(corpus.domains[~corpus.is_oos & ~is_new].tolist()))

    def windows(self, n_texts: int) -> Iterator[Rows]:
        """Windows without drift, for ever: (n_texts / session_size, session_size) row numbers."""
        n_sessions = n_texts // self.session_size
        while True:
            order = self._rng.permutation(len(self._rest))
            for begin in range(0, len(order) - n_sessions + 1, n_sessions):
                yield self._rest[order[begin : begin + n_sessions]]

    def drifted(self, window: Rows, scenario: str, share: float) -> Rows:
        """The window with that share of its sessions replaced. prior: by sessions of a domain that the reference knows."""
        n_replaced = round(share * len(window))
        corpus = self.corpus
        if scenario == "one_intent":
            topic = self._rng.choice(np.unique(corpus.topics[self._new]))
            source = self._new[corpus.topics[self._new] == topic]
        elif scenario == "domain15":
            source = self._new
        elif scenario == "oos":
            source = np.flatnonzero(corpus.is_oos)
        else:
            sessions = self._rest[corpus.domains[self._rest[:, 0]] == self._rng.choice(self._known)]
            return np.concatenate([sessions[self._rng.permutation(len(sessions))[:n_replaced]], window[n_replaced:]])
        return np.concatenate([self._sessions(source)[:n_replaced], window[n_replaced:]])

    def _sessions(self, rows: Rows) -> Rows:
        """All rows in random order as sessions of one topic each: (s, session_size); what fills no session is left out."""
        if self.session_size == 1:
            return self._rng.permutation(rows)[:, None]
        sessions = []
        for topic in np.unique(self.corpus.topics[rows]):
            inside = self._rng.permutation(rows[self.corpus.topics[rows] == topic])
            n_full = len(inside) // self.session_size
            sessions.append(inside[: n_full * self.session_size].reshape(n_full, self.session_size))
        return self._rng.permutation(np.concatenate(sessions))
