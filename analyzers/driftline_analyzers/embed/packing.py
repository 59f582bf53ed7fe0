"""Which texts are computed together: batches within a budget of tokens, and in a batch groups of one length, so that none is padded."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Neighbours in a batch that have the same length. first_token: where they begin in the batch's concatenated tokens."""

    first_token: int
    n_texts: int
    n_tokens: int


def pack_by_length(tokens: Sequence[int], *, budget: int) -> list[list[int]]:
    """Row numbers in batches of like length, longest first; a batch padded to its longest stays within the budget or has one row."""
    batches: list[list[int]] = []
    longest = 0
    for i in _longest_first(tokens):
        if not batches or (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = tokens[i]
        batches[-1].append(i)
    return batches


def pack_unpadded(tokens: Sequence[int], *, budget: int) -> list[list[int]]:
    """Row numbers in batches, longest first; the lengths of a batch add up to no more than the budget, or it has one row."""
    batches: list[list[int]] = []
    room = 0
    for i in _longest_first(tokens):
        if not batches or tokens[i] > room:
            batches.append([])
            room = budget
        batches[-1].append(i)
        room -= tokens[i]
    return batches


def groups_of_one_length(tokens: Sequence[int]) -> list[Group]:
    """Runs of equal lengths, in order."""
    groups: list[Group] = []
    first_row = first_token = 0
    for row in range(1, len(tokens) + 1):
        if row == len(tokens) or tokens[row] != tokens[first_row]:
            n_texts = row - first_row
            groups.append(Group(first_token=first_token, n_texts=n_texts, n_tokens=tokens[first_row]))
            first_token += n_texts * tokens[first_row]
            first_row = row
    return groups


def _longest_first(tokens: Sequence[int]) -> list[int]:
    return sorted(range(len(tokens)), key=tokens.__getitem__, reverse=True)
