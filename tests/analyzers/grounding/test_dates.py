import pytest

from driftline_analyzers.grounding.dates import Day, dates_of, is_same


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("It opened on 5 March 2020.", {(2020, 3, 5)}),
        ("It opened on March 5, 2020.", {(2020, 3, 5)}),
        ("It opened on Mar. 5th, 2020.", {(2020, 3, 5)}),
        ("It opened on 2020-03-05.", {(2020, 3, 5)}),
        ("It opened on 05.03.2020.", {(2020, 3, 5)}),
        ("It opened on 05/03/2020.", {(2020, 3, 5), (2020, 5, 3)}),
        ("It opened on 13/03/2020 or 03/13/2020.", {(2020, 3, 13)}),
        ("It opened in March of 2020.", {(2020, 3, None)}),
        ("Each year it opens on the 5th of May.", {(None, 5, 5)}),
        ("From 5 to 8 March 2020", {(2020, 3, 5), (2020, 3, 8)}),
        ("On May 5\u20138, 2020", {(2020, 5, 5), (2020, 5, 8)}),
        ("You may 5 times a day march 12 miles.", set()),
        ("In 2020, version 1.2.2020.4 of 2020-13-45 and 40 March", set()),
        ("He will march in May.", set()),
    ],
)
def test_dates_are_read_in_every_usual_form(text: str, days: set[Day]) -> None:
    assert {day for date in dates_of(text, 0, len(text)) for day in date.days} == days


def test_parts_know_their_place() -> None:
    text = "On 2020-03-05 and on May 12, 1999."
    found = [(text[part.start : part.end], part.key) for date in dates_of(text, 0, len(text)) for part in date.parts]
    assert found == [("2020", "2020"), ("03", "march"), ("05", "5"), ("May", "may"), ("12", "12"), ("1999", "1999")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((2020, 3, 5), (2020, 3, 5), True),
        ((2020, 3, 5), (None, 3, 5), True),
        ((2020, 3, None), (2020, 3, 5), True),
        ((2020, 3, 5), (2021, 3, 5), False),
        ((2020, 3, 5), (2020, 5, 3), False),
    ],
)
def test_days_are_the_same_by_what_both_say(one: Day, other: Day, same: bool) -> None:
    assert is_same(one, other) is same
