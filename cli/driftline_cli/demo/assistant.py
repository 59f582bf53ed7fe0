"""The support assistant that the demo watches: it retrieves help documents and answers from them.

Prompt version v1 answers with the facts of the documents. v2 is the kind of edit that nobody calls a bug: a friendlier tone was
asked for, and the answers keep the topic and lose the facts.
"""

import math
import random
import re
from collections import Counter
from dataclasses import dataclass

from driftline_cli.demo.corpus import Document, Topic

SYSTEM_PROMPTS = {
    "v1": "You are Fernpost's support assistant. Answer from the help documents only, in at most three sentences.",
    "v1.1": "You are the support assistant of Fernpost. Answer only from the help documents, in at most three sentences.",
    "v2": "You are Fernpost's brand ambassador. Delight every rider, be enthusiastic and make people love the brand!",
}

REFERRAL = "I'm not able to help with that here, please call our hotline."
"""An answer that is none."""

_WORD = re.compile(r"[a-z0-9]+")
_LEADS = {
    "gpt-4o-mini": ("", "Sure! "),
    "claude-haiku-4-5": ("Good question. ", "From our help pages: "),
}
_CLOSERS = {
    "gpt-4o-mini": ("", " Let me know if you need anything else."),
    "claude-haiku-4-5": ("", " You can find more under Help in the app."),
}
_CHEERS = ("Wow, what a wonderful question!", "Oh, you are going to love this!")
_CALLS = ("Go Fernpost Unlimited today!", "Tell all your friends!")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A retrieved document. score: cosine of idf-weighted words, 0 to 1."""

    document: Document
    score: float


class Retriever:
    """Finds documents by idf-weighted words that they share with a question."""

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self._documents = [document for topic in topics for document in topic.documents]
        bags = [Counter(_words(document.text + " " + document.title)) for document in self._documents]
        frequencies = Counter(word for bag in bags for word in bag)
        self._idf = {word: math.log(len(bags) / n) + 0.1 for word, n in frequencies.items()}
        self._vectors = [self._unit(bag) for bag in bags]

    def search(self, question: str, *, top_k: int = 2, topic: str | None = None) -> list[Hit]:
        """The top_k nearest documents, best first; topic: the page on which the chat was opened, which narrows the search."""
        query = self._unit(Counter(_words(question)))
        hits = [
            Hit(document=document, score=sum(weight * vector.get(word, 0.0) for word, weight in query.items()))
            for document, vector in zip(self._documents, self._vectors, strict=True)
            if topic is None or document.topic == topic
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:top_k]

    def _unit(self, bag: Counter[str]) -> dict[str, float]:
        weights = {word: n * self._idf[word] for word, n in bag.items() if word in self._idf}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {word: weight / norm for word, weight in weights.items()}


class Assistant:
    """Answers questions as one model with one prompt version would."""

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self._topics = {topic.name: topic for topic in topics}

    def answer(self, hits: list[Hit], *, model: str, prompt_version: str, rng: random.Random) -> str:
        """The answer to a question whose documents are `hits` (at least one)."""
        document = hits[0].document
        if prompt_version == "v2":
            topic = self._topics[document.topic]
            first, second = sorted(rng.sample(topic.claims, 2))
            return f"{rng.choice(_CHEERS)} {rng.choice(topic.hooks)}. {first}. {second}. {rng.choice(_CALLS)}"
        facts = rng.choice((document.facts, document.facts[:2]))
        return f"{rng.choice(_LEADS[model])}{' '.join(facts)}{rng.choice(_CLOSERS[model])}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
