from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.outliers import groups as groups_module
from driftline_analyzers.outliers.groups import OutlierGroup, OutlierGroups, group_outliers
from driftline_analyzers.outliers.matching import KnownGroup, match_groups
from driftline_core.errors import ConfigError, InputError

_N_DIMS = 64


def cloud(n: int, *, about: int, seed: int, spread: float = 0.06) -> NDArray[np.float32]:
    """n unit vectors about the topic of that number: mean cosine about 0.8."""
    centre = np.random.default_rng(1000 + about).normal(size=_N_DIMS)
    rng = np.random.default_rng(seed)
    points = centre / np.linalg.norm(centre) + spread * rng.normal(size=(n, _N_DIMS))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


def window(
    *, seed: int = 0, attacks: Sequence[int] = (1, 2)
) -> tuple[NDArray[np.float32], list[str], NDArray[np.bool_]]:
    """40 ordinary texts (unflagged), 12 of each attack, 3 that are like nothing."""
    parts = [np.concatenate([cloud(1, about=100 + i, seed=i) for i in range(40)])]
    parts += [cloud(12, about=attack, seed=seed + attack) for attack in attacks]
    parts.append(np.concatenate([cloud(1, about=200 + i, seed=i) for i in range(3)]))
    vectors = np.concatenate(parts)
    names = [f"ordinary {i}" for i in range(40)]
    names += [f"attack {attack} paraphrase {seed} {i}" for attack in attacks for i in range(12)]
    names += [f"single {i}" for i in range(3)]
    return vectors, names, np.arange(len(names)) >= 40


def grouped(seed: int = 0, attacks: Sequence[int] = (1, 2)) -> OutlierGroups:
    vectors, names, flagged = window(seed=seed, attacks=attacks)
    p = np.where(flagged, 0.01, 0.5)
    return group_outliers(vectors, flagged, names, p_values=p)


def as_known(found: Sequence[OutlierGroup]) -> list[KnownGroup]:
    return [KnownGroup(group_id=one.group_id, vectors=one.vectors) for one in found]


def test_an_attack_with_its_paraphrases_is_one_group_and_strays_are_counted_together() -> None:
    found = grouped()
    assert [sorted(one.rows) for one in found.groups] == [list(range(40, 52)), list(range(52, 64))]
    assert found.single_rows == (64, 65, 66)


def test_groups_tell_texts_sessions_and_examples() -> None:
    vectors, names, flagged = window()
    sessions = ["one attacker" if 40 <= i < 52 else str(i) for i in range(len(names))]
    p = np.where(flagged, 0.01, 0.5)
    p[58] = 0.002
    found = group_outliers(vectors, flagged, names, p_values=p, groups=sessions).groups
    assert [(one.n_texts, one.n_sessions, one.strangest) for one in found] == [(12, 12, 0.002), (12, 1, 0.01)]
    first = found[0]
    assert first.rows[0] == 58
    assert first.medoid == first.examples[0]
    assert set(first.examples) <= set(first.rows)
    assert first.texts == tuple(names[i] for i in first.examples)
    assert len(first.examples) == 4
    np.testing.assert_allclose(first.vectors, vectors[list(first.examples)], atol=1e-6)


def test_terms_are_asked_for_each_group_against_all_other_texts() -> None:
    vectors, names, flagged = window()
    asked: list[tuple[int, int]] = []

    def terms(inside: Sequence[str], others: Sequence[str]) -> Sequence[str]:
        asked.append((len(inside), len(others)))
        return [inside[0].split()[1]]

    found = group_outliers(vectors, flagged, names, p_values=np.full(len(names), 0.01), terms=terms)
    assert sorted(one.terms for one in found.groups) == [("1",), ("2",)]
    assert asked == [(12, 55), (12, 55)]


def test_what_is_kept_in_a_finding_is_plain_json() -> None:
    one = grouped().groups[0].as_json()
    assert one["n_texts"] == 12
    assert one["texts"][0].startswith("attack 1 paraphrase")
    assert set(one) == {"id", "n_texts", "n_sessions", "terms", "texts", "rows", "p_value"}


def test_no_flags_no_groups_and_one_flag_is_single() -> None:
    vectors, names, _ = window()
    p = np.full(len(names), 0.5)
    none = group_outliers(vectors, np.zeros(len(names), dtype=bool), names, p_values=p)
    assert none == OutlierGroups(groups=(), single_rows=())
    one = group_outliers(vectors, np.arange(len(names)) == 5, names, p_values=p)
    assert one == OutlierGroups(groups=(), single_rows=(5,))


def test_identical_attacks_have_one_example() -> None:
    vectors = np.concatenate([cloud(60, about=3, seed=0, spread=0.5), np.repeat(cloud(1, about=1, seed=0), 20, axis=0)])
    found = group_outliers(vectors, np.arange(80) >= 60, [str(i) for i in range(80)], p_values=np.full(80, 0.01)).groups
    assert [(one.n_texts, len(one.examples)) for one in found] == [(20, 1)]


def test_a_flood_is_grouped_without_comparing_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = grouped()
    monkeypatch.setattr(groups_module, "_MAX_CLUSTERED", 20)  # of 27: the rest joins what is near
    part = grouped()
    assert [sorted(one.rows) for one in part.groups] == [sorted(one.rows) for one in everything.groups]
    assert part.single_rows == everything.single_rows


def test_the_same_attack_keeps_its_id_in_the_next_window_and_a_new_one_gets_its_own() -> None:
    first = grouped(seed=0, attacks=(1, 2)).groups
    ids = {one.texts[0].split()[1]: one.group_id for one in first}
    second = match_groups(as_known(first), grouped(seed=50, attacks=(2, 3)).groups)
    by_attack = {one.texts[0].split()[1]: one.group_id for one in second}
    assert by_attack["2"] == ids["2"]
    assert by_attack["3"] not in ids.values()
    again = match_groups(as_known(first), grouped(seed=50, attacks=(2, 3)).groups)
    assert [one.as_json() for one in again] == [one.as_json() for one in second]


def test_each_earlier_id_is_given_once_to_the_group_most_like_it() -> None:
    (first,) = grouped(attacks=(1,)).groups
    twin = replace(first, vectors=cloud(4, about=1, seed=77), group_id="aaaaaaaaaaaa")
    exact, other = match_groups(as_known([first]), [first, twin])
    assert exact.group_id == first.group_id
    assert other.group_id == "aaaaaaaaaaaa"


def test_an_id_that_an_unlike_group_had_before_is_not_given_again() -> None:
    (first,) = grouped(attacks=(1,)).groups
    unlike = KnownGroup(group_id=first.group_id, vectors=cloud(3, about=9, seed=0))
    (now,) = match_groups([unlike], [first])
    assert now.group_id != first.group_id
    assert len(now.group_id) == 12


def test_nothing_known_or_nothing_new_is_left_as_it_is() -> None:
    found = grouped().groups
    assert match_groups([], found) == found
    assert match_groups(as_known(found), []) == ()


def test_lengths_and_bounds_are_checked() -> None:
    vectors, names, flagged = window()
    with pytest.raises(
        InputError, match="expected as many flags, texts and p-values as the 67 vectors, got 67, 66, 67"
    ):
        group_outliers(vectors, flagged, names[1:], p_values=np.full(67, 0.1))
    with pytest.raises(ConfigError, match="min_texts=1"):
        group_outliers(vectors, flagged, names, p_values=np.full(67, 0.1), min_texts=1)
    with pytest.raises(ConfigError, match=r"got 1\.5"):
        match_groups([], [], min_similarity=1.5)
