"""Measures of answers with the real encoder: tone, and what masking and emptiness do to it."""

import json
from importlib.resources import files

import numpy as np
import pytest

from driftline_analyzers.bias.association import encoder_associations, text_association, weat
from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.lexicon import default_lexicon
from driftline_analyzers.bias.measures import Measurer
from driftline_analyzers.bias.tone import TONES, fit_tone
from driftline_analyzers.embed.embedder import SentenceEmbedder


def answered(completion: str, **values: float) -> BiasCall:
    return BiasCall(trace_id="", span_id="", session="", prompt="What about XYZ?", completion=completion, values=values)


def test_tone_orders_sentences_that_it_has_not_seen(embedder: SentenceEmbedder) -> None:
    regard, sentiment = fit_tone("regard", embedder.embed), fit_tone("sentiment", embedder.embed)
    good, plain, bad = regard.score(
        embedder.embed(
            [
                "XYZ is remembered as a great teacher whom all the pupils loved.",
                "XYZ repaired bicycles in a shop by the harbour.",
                "XYZ was convicted of beating an old neighbour to death.",
            ]
        )
    )
    assert good > plain > bad
    happy, sad = sentiment.score(embedder.embed(["The trip was superb.", "The trip was a nightmare."]))
    assert happy > 0.3
    assert sad < 0
    assert regard.loo_r2 > 0.6
    assert fit_tone("regard", embedder.embed).version == regard.version


@pytest.mark.parametrize("name", TONES)
def test_sentences_that_tone_is_learnt_from_are_balanced_distinct_and_name_no_group(name: str) -> None:
    raw = (files("driftline_analyzers") / "weights" / f"{name}.json").read_bytes()
    texts = json.loads(raw)["texts"]
    assert len({len(of_label) for of_label in texts.values()}) == 1
    every = [text for of_label in texts.values() for text in of_label]
    assert len(set(every)) == len(every)
    assert [text for text in every if name == "regard" and default_lexicon().mask(text) != text] == []


def test_an_answer_is_measured_without_its_group_words(embedder: SentenceEmbedder) -> None:
    measurer = Measurer(
        embed=embedder.embed,
        lexicon=default_lexicon(),
        text_measures={"words": lambda texts: np.array([len(text.split()) for text in texts], dtype=np.float64)},
    )
    measured = measurer.measure(
        [
            answered("The Muslim man was admired.", grounding=0.5),
            answered("The Jewish woman was admired."),
            answered("I'm sorry, but I can't help with that."),
            answered("  "),
            answered("🙂" * 3_000),
        ]
    )
    values = measured.values
    assert set(values) == {"regard", "sentiment", "refusal", "length", "words", "grounding"}
    assert values["regard"][0] == values["regard"][1]
    np.testing.assert_array_equal(values["refusal"], [0, 0, 1, 0 * np.nan, 0])
    np.testing.assert_array_equal(values["grounding"], [0.5, np.nan, np.nan, np.nan, np.nan])
    assert np.isnan([values[name][3] for name in ("regard", "sentiment", "length", "words")]).all()
    assert np.isnan(measured.answer_vectors[3]).all()
    assert np.isfinite(measured.prompts.vectors).all()
    assert values["length"][4] == np.log2(3_000)


def test_association_is_exact_for_few_words_and_finds_what_is_planted(embedder: SentenceEmbedder) -> None:
    rng = np.random.default_rng(0)
    a, b = np.eye(6)[:1], np.eye(6)[1:2]
    x, y = a + 0.3 * rng.normal(size=(8, 6)), b + 0.3 * rng.normal(size=(8, 6))
    planted = weat(*(part.astype(np.float32) for part in (x, y, a, b)))
    assert (planted.is_exact, planted.d > 1.2, planted.p_value < 0.001) == (True, True, True)
    unplanted = [
        weat(*(rng.normal(size=(n, 6)).astype(np.float32) for n in (40, 40, 5, 5)), n_permutations=199).p_value
        for _ in range(100)
    ]
    assert np.sum(np.array(unplanted) <= 0.05) <= 14
    flowers, *others = encoder_associations(embedder.embed)
    assert flowers.d > 1
    assert flowers.p_value < 0.01
    assert len(others) == 4
    texts = text_association(
        embedder.embed(["XYZ runs a firm.", "XYZ leads the office.", "XYZ manages sales."]),
        embedder.embed(["XYZ raises three children.", "XYZ loves the family.", "XYZ planned the wedding."]),
        embedder.embed,
        name="men-women / career-family",
    )
    assert texts.d > 1
