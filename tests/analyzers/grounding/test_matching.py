"""A head that reads vectors of tokens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.token_vectors import TokenVectors
from driftline_analyzers.grounding.features import FEATURES
from driftline_analyzers.grounding.head import Head, shipped_head
from driftline_analyzers.grounding.matching import unmatched
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.words import words_of
from driftline_core.errors import ConfigError
from tests.analyzers.embed.tiny_models import tiny_bert
from tests.analyzers.grounding.test_scorer import call, no_vectors

DOCUMENT = "The physician examined the child. 😀 The car was repaired in Łódź."


def test_a_word_that_is_said_otherwise_lacks_less_than_one_that_is_not(embedder: SentenceEmbedder) -> None:
    scorer = GroundingScorer(head=shipped_head().with_tokens(embedder.model_id), token_embedder=embedder)
    answers = ["The physician examined the child.", "A doctor examined the child.", "A zeppelin examined the child."]
    same, near, far = (
        float(values[-1])
        for found in scorer.features([call(answer, [DOCUMENT]) for answer in answers])
        for _, values in found
    )
    assert same == 0.0
    assert same < near + 1e-6 < far


def test_the_value_is_the_mean_lack_of_the_words_that_carry() -> None:
    text = "Well: the cat sleeps, Ada"
    words = words_of(text, 6, len(text))
    bounds = np.asarray([(word.start - 6, word.end - 6) for word in words])
    vectors = np.eye(4, dtype=np.float32)
    source = np.asarray([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.25, np.sqrt(1 - 0.0625)]], dtype=np.float32)
    tokens = TokenVectors(vectors=vectors, bounds=bounds)
    carrying = [word.key for word in words if word.carries]
    assert len(carrying) == 3  # "the" does not
    lacks = {carrying[0]: 0.0, carrying[1]: 0.35, carrying[2]: 0.0}
    assert unmatched(words, tokens, source, start=6, asked=frozenset()) == pytest.approx(sum(lacks.values()) / 3)
    assert unmatched(words, tokens, source, start=6, asked=frozenset({carrying[0]})) == pytest.approx(0.175)
    assert unmatched(words, tokens, source[:0], start=6, asked=frozenset()) == pytest.approx(1.6)
    assert unmatched(words, tokens, source, start=6, asked=frozenset(carrying)) == 0.0


def test_its_weight_counts_and_answers_of_one_batch_do_not_touch_each_other(embedder: SentenceEmbedder) -> None:
    begun = shipped_head().with_tokens(embedder.model_id)
    head = replace(begun, weights=np.append(begun.weights[: len(FEATURES)], 8.0))
    calls = [
        call("A zeppelin examined the child. The car was repaired in Łódź. 😀", [DOCUMENT]),
        call("The physician examined the child.", [DOCUMENT]),
        call("Nothing to lean on.", []),
        call("The lamp is green.", ["The lamp is green.", ""]),
    ]
    together = GroundingScorer(head=head, token_embedder=embedder).score(calls, embed=no_vectors)
    alone = [GroundingScorer(head=head, token_embedder=embedder).score([one], embed=no_vectors)[0] for one in calls]
    for found, expected in zip(together, alone, strict=True):
        assert [one.value for one in found] == pytest.approx([one.value for one in expected], abs=0.01)
    [[words_alone]] = GroundingScorer().score(calls[:1], embed=no_vectors)
    assert together[0][0].value is not None
    assert words_alone.value is not None
    assert together[0][0].value > words_alone.value + 0.05
    assert together[2] == []


def test_a_head_of_another_embedding_model_is_refused(embedder: SentenceEmbedder, tmp_path: Path) -> None:
    head = shipped_head().with_tokens(embedder.model_id)
    for given in (None, SentenceEmbedder(model=str(tiny_bert(tmp_path)))):
        scorer = GroundingScorer(head=head, token_embedder=given)
        with pytest.raises(ConfigError, match=r"expected the embedding model all-MiniLM-L6-v2@.* got (none|test_)"):
            scorer.score([call("The lamp is green.")], embed=no_vectors)


def test_the_file_says_which_model_and_the_number_format_does_not_matter(embedder: SentenceEmbedder) -> None:
    head = shipped_head().with_tokens("all-MiniLM-L6-v2@0123456789ab/bfloat16/chunk1-16-0")
    again = Head.load(head.dump())
    assert again.token_model == "all-MiniLM-L6-v2@0123456789ab"
    assert again.fingerprint == head.fingerprint
    assert len(again.weights) == len(FEATURES) + 1
    with pytest.raises(ConfigError, match=rf"expected {len(FEATURES)} weights for missing, .* got {len(FEATURES) + 1}"):
        Head.load(head.dump().replace('"token_model"', '"model"'))
