"""One line for a person who is paged: what changed, by how much, where, and what does not explain it."""

from collections.abc import Sequence

from driftline_analyzers.explain.covariates import Covariate, explained_by
from driftline_analyzers.explain.effect import Effect
from driftline_analyzers.explain.slices import Carrier
from driftline_analyzers.explain.topics import Topic, TopicShift

_TERMS = 3
_NEW_BELOW = 0.1
_SLICE_NOUNS = {"prompt_version": "prompt version"}


def sentence(
    *,
    noun: str,
    is_drift: bool,
    effect: Effect | None = None,
    topics: TopicShift | None = None,
    carrier: Carrier | None = None,
    found: Sequence[Covariate] = (),
) -> str:
    """E.g. 'In 14 % of prompts (11-17 %) a new topic: refund, chargeback, card; carried by tenant acme; length does not explain it.'

    noun: what the texts are, in the plural ('prompts', 'responses', 'documents'). Says only what was significant.
    """
    if not is_drift:
        return f"No shift of {noun} beyond chance."
    explained = explained_by(found)
    parts = [_what(noun, topics, effect)]
    if carrier is not None:
        parts.append(_where(carrier))
    if explained is not None:
        parts.append(explained.sentence)
    elif found:
        names = [one.name for one in found if one.name != "all"]
        parts.append(f"{_or(names)} {'does' if len(names) == 1 else 'do'} not explain it" if names else "")
    if effect is not None and effect.is_small:
        parts.append("practically small")
    return "; ".join(part for part in parts if part) + "."


def _what(noun: str, topics: TopicShift | None, effect: Effect | None) -> str:
    grown = [topic for topic in topics.grown if topic.is_significant] if topics else []
    shrunk = [topic for topic in topics.shrunk if topic.is_significant] if topics else []
    if grown:
        return _grown(grown, noun)
    if shrunk:
        topic = shrunk[0]
        verb = "has gone from" if topic.share_after < _NEW_BELOW * topic.share_before else "is less frequent in"
        return (
            f"A topic {verb} {noun}: {_terms(topic)} ({_percent(topic.share_before)} to {_percent(topic.share_after)})"
        )
    if effect is not None and effect.low > 0:
        return f"About {_percent(effect.moved_share)} of {noun} changed ({_span(effect.low, effect.high)}), spread over many topics"
    return f"{noun[:1].upper()}{noun[1:]} changed in no single topic"


def _grown(grown: Sequence[Topic], noun: str) -> str:
    topic = grown[0]
    more = f" and {len(grown) - 1} more" if len(grown) > 1 else ""
    if topic.share_before < _NEW_BELOW * topic.share_after:
        span = _span(topic.share_after_low, topic.share_after_high)
        return f"In {_percent(topic.share_after)} of {noun} ({span}) a new topic: {_terms(topic)}{more}"
    shares = f"{_percent(topic.share_before)} to {_percent(topic.share_after)}"
    return f"A topic has grown from {shares} of {noun}: {_terms(topic)}{more}"


def _where(carrier: Carrier) -> str:
    names = [(carrier.name, carrier.value), *carrier.also]
    said = " and ".join(
        f"{_SLICE_NOUNS.get(name, name.removeprefix('metadata.'))} {value or 'none'}" for name, value in names
    )
    return f"carried by {said}"


def _terms(topic: Topic) -> str:
    return ", ".join(topic.terms[:_TERMS]) or (topic.examples[0][:60] if topic.examples else "texts without words")


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < 0.95 else f"{percent:.0f} %"


def _span(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
