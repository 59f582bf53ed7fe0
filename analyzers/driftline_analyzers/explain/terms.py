"""The words and word pairs by which one set of texts differs from another."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Thai, Lao, kana, Han
_BETWEEN = r"\s!-&(-,./:-@\[-`{-~\u00a1-\u00bf\u00d7\u00f7\u0964\u2000-\u200b\u200e-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20"
_TOKEN = re.compile(rf"[{_EMOJI}]|[{_UNSPACED}]+|[^{_BETWEEN}{_EMOJI}{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_MAX_TEXT_CHARS = 2000
_MAX_TOKEN_CHARS = 40
_PRIOR_TEXTS = 10.0
_MIN_Z = 1.0
_STOP_WORDS = """
a about after all also am an and any are as at be been before being but by can could did do does
doing don don't else ever for from get got had has have having he her here hers him his how i i'd
i'll i'm i've if in into is it it's its itself just let like ll may me might more most must my no
not of on only or our ours out over own please re s same shall she should so some such t than that
that's the their theirs them then there these they this those through to too under until up us ve
very was we were what what's when where which while who whom why will with would you your yours
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""English words that name no topic. scikit-learn's list also drops 'bill', 'fire' and 'system', which do."""


def tokens(text: str) -> list[str]:
    """Lower-case words of any script in order; two neighbouring characters are a word where a script has no spaces. No numbers."""
    found = []
    for match in _TOKEN.findall(unicodedata.normalize("NFKC", text[:_MAX_TEXT_CHARS]).lower().replace("\u2019", "'")):
        if _IS_UNSPACED.match(match):
            found += [match[i : i + 2] for i in range(max(1, len(match) - 1))]
            continue
        word = match.strip("'-")
        if word and len(word) <= _MAX_TOKEN_CHARS and not word.isnumeric():
            found.append(word)
    return found


def text_terms(text: str) -> frozenset[str]:
    """The text's words and pairs of neighbouring words, without those of stop words."""
    words = tokens(text)
    singles = {word for word in words if word not in STOP_WORDS}
    pairs = {
        f"{left} {right}"
        for left, right in pairwise(words)
        if left in singles and right in singles and not _IS_UNSPACED.match(left)
    }
    return frozenset(singles | pairs)


def distinguishing_terms(
    terms: Sequence[frozenset[str]], is_inside: NDArray[np.bool_], *, limit: int = 8
) -> tuple[str, ...]:
    """At most `limit` terms of the texts inside against those outside, the most telling first. terms: of each text; is_inside: (n,).

    z of the log-odds ratio with an informative Dirichlet prior, on numbers of texts rather than of words so that one long text has
    one vote; the prior is the pool's share of the term times ten texts. A term must occur in two texts where there are two.
    A pair is left out when it says no more than a word already there, and the other way round. Monroe, Colaresi & Quinn 2008, eq. 22.
    """
    n_inside = int(is_inside.sum())
    if n_inside == 0:
        return ()
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    for found, is_in in zip(terms, is_inside, strict=True):
        (inside if is_in else outside).update(found)
    names = sorted(name for name, count in inside.items() if count >= min(2, n_inside))
    if not names:
        return ()
    y = np.array([inside[name] for name in names], dtype=np.float64)
    x = np.array([outside[name] for name in names], dtype=np.float64)
    n, m = float(n_inside), float(len(is_inside) - n_inside)
    prior = _PRIOR_TEXTS * (y + x) / (n + m)
    log_odds = np.log((y + prior) / (n + _PRIOR_TEXTS - y - prior + 1.0))
    log_odds -= np.log((x + prior) / (m + _PRIOR_TEXTS - x - prior + 1.0))
    z = log_odds / np.sqrt(1 / (y + prior) + 1 / (x + prior))
    chosen: list[str] = []
    for i in np.argsort(-z, kind="stable"):
        if len(chosen) == limit or (z[i] < _MIN_Z and chosen):
            break
        if not _says_no_more(names[i], chosen):
            chosen.append(names[i])
    return tuple(chosen)


def _says_no_more(name: str, chosen: Sequence[str]) -> bool:
    words = set(name.split())
    known = {word for term in chosen for word in term.split()}
    return words <= known
