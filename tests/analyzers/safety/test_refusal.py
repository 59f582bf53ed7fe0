from driftline_analyzers.safety.refusal import RefusalScorer
from tests.analyzers.safety.calls import call, no_embedding


def test_refusals_are_counted_and_never_flagged() -> None:
    calls = [
        call(completion="I'm sorry, but I can't help with that."),
        call(completion="Sure, here it is."),
        call(prompt="hi"),
    ]
    scores = RefusalScorer().score(calls, embed=no_embedding)
    assert [[(one.field, one.value, one.is_flagged) for one in of_call] for of_call in scores] == [
        [("completion", 1.0, False)],
        [("completion", 0.0, False)],
        [],
    ]
