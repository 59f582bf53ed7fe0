"""The demo's world: the help documents of a product that does not exist, and what people ask about them."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from driftline_core.errors import ConfigError

CITIES = ("Ostermoor", "Halden", "Kirchsee")
DAYS = ("Monday", "Wednesday", "Saturday")
OPENINGS = ("", "Hi, ", "Quick question: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One help document. facts: sentences; questions: templates with {city}, {bike}, {day}, {number}."""

    document_id: str
    topic: str
    title: str
    facts: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and facts as the assistant retrieves them."""
        return f"{self.title}. {' '.join(self.facts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Documents of one topic, and what the second prompt version says instead of their facts."""

    name: str
    documents: tuple[Document, ...]
    hooks: tuple[str, ...]
    claims: tuple[str, ...]


@cache
def load_topics() -> tuple[Topic, ...]:
    """Every topic of documents.yaml, in its order. Raises ConfigError when the file is not what it should be."""
    raw = yaml.safe_load((files("driftline_cli.demo") / "documents.yaml").read_text(encoding="utf-8"))
    try:
        return tuple(
            Topic(
                name=topic["name"],
                documents=tuple(
                    Document(
                        document_id=document["id"],
                        topic=topic["name"],
                        title=document["title"],
                        facts=tuple(document["facts"]),
                        questions=tuple(document["questions"]),
                    )
                    for document in topic["documents"]
                ),
                hooks=tuple(topic["hooks"]),
                claims=tuple(topic["claims"]),
            )
            for topic in raw["topics"]
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"expected topics with documents, hooks and claims in documents.yaml, got {error!r}"
        ) from error
