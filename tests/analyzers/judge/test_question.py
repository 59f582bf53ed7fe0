import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_analyzers.judge import SHIPPED, JudgeSettings
from driftline_analyzers.judge.question import question
from tests.analyzers.judge.conftest import call

OF = JudgeSettings(url="http://localhost/v1", model="judge-1", max_text_chars=1000)


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_documents_share_their_room_and_short_ones_are_not_cut(lengths: list[int]) -> None:
    documents = [chr(0x4E00 + i) * length for i, length in enumerate(lengths)]
    asked = question(OF, name="groundedness", criterion=SHIPPED["groundedness"], call=call(documents=documents))
    text = asked.messages[1]["content"]
    sent = [text.count(chr(0x4E00 + i)) for i in range(len(lengths))]
    assert sum(sent) <= 1000
    assert ("documents" in asked.cut) == (sent != lengths)
    if sum(lengths) <= 1000 and len(lengths) <= 10:
        assert sent == lengths
    shortest_cut = min((n for n, length in zip(sent, lengths, strict=True) if 0 < n < length), default=1000)
    assert all(n == length for n, length in zip(sent, lengths, strict=True) if 0 < length < shortest_cut and n > 0)


def test_there_are_never_fewer_bytes_allowed_than_sent() -> None:
    asked = question(OF, name="relevance", criterion=SHIPPED["relevance"], call=call(completion="🙂" * 900))
    assert asked.most_input_tokens > sum(len(message["content"].encode()) for message in asked.messages)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"prompt": "ab", "completion": "c"}, {"prompt": "a", "completion": "bc"}),
        ({"documents": ["a", "b"]}, {"documents": ["ab"]}),
        ({"documents": ["a"]}, {"documents": ["b"]}),
    ],
)
def test_other_texts_are_another_question(one: dict[str, object], other: dict[str, object]) -> None:
    name = "groundedness" if "documents" in one else "relevance"
    keys = {question(OF, name=name, criterion=SHIPPED[name], call=call(**texts)).key for texts in (one, other)}  # type: ignore[arg-type]  # texts
    assert len(keys) == 2


def test_whose_call_it_was_is_no_part_of_the_question() -> None:
    keys = {
        question(OF, name="relevance", criterion=SHIPPED["relevance"], call=call(n, completion="So.")).key
        for n in range(3)
    }
    assert len(keys) == 1
