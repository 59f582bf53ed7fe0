import pytest

from driftline_analyzers.grounding.denials import denials_of
from driftline_analyzers.grounding.words import words_of


def contradict(one: str, other: str) -> bool:
    left, right = denials_of(words_of(one)), denials_of(words_of(other))
    assert left.contradicts(right) is right.contradicts(left)
    return left.contradicts(right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A helmet is included in the price.", "A helmet is not included in the price."),
        ("A helmet is included in the price.", "A lock and a helmet are not included in the price."),
        ("It can be cancelled in the app at any time.", "It cannot be cancelled in the app."),
        ("The bridge was closed to cars in 1998.", "The bridge was never closed to cars."),
        ("Dogs may not travel on the night train.", "Dogs may travel on the night train."),
    ],
)
def test_the_same_words_with_and_without_a_denial_contradict(one: str, other: str) -> None:
    assert contradict(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A helmet is included in the price.", "A helmet is included."),
        ("A helmet is not included in the price.", "The price does not include a helmet."),
        ("A helmet is not included in the price.", "No helmet is included in the price."),
        ("The helmet is included, the lock is not.", "The helmet is included."),
        ("Move the hawk, so the birds do not become accustomed to it.", "Move the hawk to prevent birds becoming accustomed to it."),
        ("A helmet is not only included in the price.", "A helmet is included in the price."),
        ("Essential acids cannot be made by the body, other acids can be made by the body.", "Other acids can be made by the body."),
        ("Not.", "A helmet is included."),
    ],
)  # fmt: skip
def test_a_denial_elsewhere_or_otherwise_said_is_no_contradiction(one: str, other: str) -> None:
    assert not contradict(one, other)
