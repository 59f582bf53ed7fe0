"""Association tests on embeddings (WEAT; on sentences SEAT). Exploratory: they show the encoder's own bias as much as the texts'."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.tone import Embed
from driftline_analyzers.bias.units import Floats

_MAX_EXACT: Final = 20_000
_TEMPLATE: Final = "This is {}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """Are targets x nearer to attributes a, and y to b? d: effect size, -2 to 2, positive where so. p_value: one-sided, over re-divisions
    of the targets, all of them where is_exact. Caliskan, Bryson & Narayanan 2017.
    """

    name: str
    d: float
    p_value: float
    n_targets: int
    is_exact: bool


def weat(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    *,
    name: str = "",
    n_permutations: int = 9_999,
    seed: int = 0,
) -> Association:
    """x, y: (n, d), (m, d) targets; a, b: attributes; unit length. d = (mean_x s - mean_y s) / std s, s = mean cos to a - mean cos to b."""
    targets = np.concatenate([x, y]).astype(np.float64)
    s = targets @ a.astype(np.float64).mean(0) - targets @ b.astype(np.float64).mean(0)
    n, n_x = len(s), len(x)
    spread = float(s.std(ddof=1))
    observed = float(s[:n_x].mean() - s[n_x:].mean())
    is_exact = comb(n, n_x) <= _MAX_EXACT
    drawn = _exact_sums(s, n_x) if is_exact else _drawn_sums(s, n_x, n_permutations=n_permutations, seed=seed)
    n_reaching = int((drawn >= s[:n_x].sum() - 1e-9).sum())
    return Association(
        name=name,
        d=observed / spread if spread > 1e-12 else 0.0,
        p_value=n_reaching / len(drawn) if is_exact else (1 + n_reaching) / (1 + len(drawn)),
        n_targets=n,
        is_exact=is_exact,
    )


def encoder_associations(embed: Embed, *, seed: int = 0) -> list[Association]:
    """What the encoder itself associates, by the word lists of bias/associations.json in the sentence "This is ...": to be read beside any
    association found in texts. Raises the embedder's errors.
    """
    return [
        weat(*(_sentences(embed, test[key]) for key in ("x", "y", "a", "b")), name=test["name"], seed=seed)
        for test in _tests()
    ]


def text_association(
    group: NDArray[np.float32], other: NDArray[np.float32], embed: Embed, *, name: str, seed: int = 0
) -> Association:
    """Are texts of one group nearer to the attributes a of the test of that name than those of the other? group, other: (n, d), (m, d).

    Raises KeyError for a name that is not in associations.json, and the embedder's errors.
    """
    test: Mapping[str, Sequence[str]] = {one["name"]: one for one in _tests()}[name]
    return weat(group, other, _sentences(embed, test["a"]), _sentences(embed, test["b"]), name=name, seed=seed)


def _sentences(embed: Embed, words: Sequence[str]) -> NDArray[np.float32]:
    return embed([_TEMPLATE.format(word) for word in words])


@cache
def _tests() -> tuple[dict[str, str], ...]:
    raw = (files("driftline_analyzers") / "bias" / "associations.json").read_text(encoding="utf-8")
    return tuple(json.loads(raw)["tests"])


def _exact_sums(s: Floats, n_x: int) -> Floats:
    return np.array([s[list(chosen)].sum() for chosen in combinations(range(len(s)), n_x)])


def _drawn_sums(s: Floats, n_x: int, *, n_permutations: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    order = rng.random((n_permutations, len(s))).argsort(1)[:, :n_x]
    return np.asarray(s[order].sum(1))
