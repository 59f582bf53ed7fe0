from driftline_analyzers.explain.covariates import Covariate
from driftline_analyzers.explain.effect import Effect
from driftline_analyzers.explain.sentence import sentence
from driftline_analyzers.explain.slices import Carrier
from driftline_analyzers.explain.topics import TopicShift, topic_shift
from tests.analyzers.explain.worlds import sample, usual

NEW = 8
LENGTH = Covariate(name="length", share_explained=0.1, p_value_without=0.001, effect_size_without=8.0, change="")
MOSTLY = Covariate(
    name="length",
    share_explained=0.9,
    p_value_without=0.4,
    effect_size_without=0.3,
    change="the median text is 2.1 times longer (40 to 84 characters)",
)
ACME = Carrier(name="metadata.tenant", value="acme", kind="content", share_of_shift=0.9, also=())
SMALL = Effect(moved_share=0.012, low=0.004, high=0.021, small_share=0.03, is_small=True)


def _new_topic() -> TopicShift:
    return topic_shift(sample(usual(400, seed=1), seed=2), sample([NEW] * 20 + usual(180, seed=3), seed=4))


def test_a_new_topic_its_carrier_and_what_does_not_explain_it() -> None:
    said = sentence(noun="prompts", is_drift=True, topics=_new_topic(), carrier=ACME, found=[LENGTH])
    assert said.startswith("In 10 % of prompts (7-15 %) a new topic: doctor, ")
    assert said.endswith("; carried by tenant acme; length does not explain it.")


def test_a_topic_that_vanished() -> None:
    shift = topic_shift(sample([NEW] * 40 + usual(360, seed=1), seed=2), sample(usual(200, seed=3), seed=4))
    assert sentence(noun="prompts", is_drift=True, topics=shift).startswith("A topic has gone from prompts: doctor, ")


def test_length_and_a_small_effect_are_said() -> None:
    said = sentence(noun="responses", is_drift=True, effect=SMALL, found=[MOSTLY])
    assert said == (
        "About 1 % of responses changed (0-2 %), spread over many topics; mostly length: the median text is 2.1 times longer"
        " (40 to 84 characters); practically small."
    )
    assert SMALL.sentence(is_drift=True) == ("statistically real and practically small: about 1 % of the texts (0-2 %)")


def test_nothing_is_said_of_what_is_not_significant() -> None:
    quiet = topic_shift(sample(usual(200, seed=1), seed=2), sample(usual(100, seed=3), seed=4))
    assert quiet.grown
    assert sentence(noun="documents", is_drift=True, topics=quiet) == "Documents changed in no single topic."
    assert sentence(noun="documents", is_drift=False, topics=_new_topic()) == "No shift of documents beyond chance."
