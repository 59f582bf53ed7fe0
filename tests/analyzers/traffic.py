"""Traffic of a made-up support assistant, written straight into `generations`."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from driftline_core.store import Store

EPOCH = datetime(2026, 3, 2, tzinfo=UTC)
"""Start of the made-up week."""

_ITEMS = ("kettle", "lamp", "bicycle", "jacket", "keyboard", "tent", "blender", "guitar", "backpack", "camera")
_WHEN = ("yesterday", "on Monday", "last week", "two days ago", "this morning", "in May")
_USUAL = (
    (
        "where is the {item} that I ordered {when}?",
        "Your {item} ordered {when} is on its way and arrives within three days.",
    ),
    (
        "can I return the {item} I bought {when}?",
        "Yes, you may return the {item} within thirty days; the label is in your account.",
    ),
    ("the {item} from {when} came broken", "I am sorry about the broken {item}. We send a new one free of charge."),
    (
        "how do I pay for the {item}? I tried {when}",
        "You can pay for the {item} by card, invoice or bank transfer at the checkout.",
    ),
)
_STRANGE = (
    (
        "where is the {item} that I ordered {when}?",
        "Ahoy matey! Thy {item} sails the seven seas, arrr, pray to the kraken.",
    ),
    ("can I return the {item} I bought {when}?", "Arrr, walk the plank with yer {item}, ye scurvy landlubber!"),
    ("the {item} from {when} came broken", "Shiver me timbers! The {item} be cursed by Davy Jones, arrr!"),
    ("how do I pay for the {item}? I tried {when}", "Pieces of eight, matey! Gold doubloons for the {item}, arrr!"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One LLM call to be stored."""

    start: datetime
    prompt: str
    completion: str
    service: str = "assistant"
    model: str = "gpt-4o"
    prompt_version: str = "v1"
    session_id: str = ""
    is_error: bool = False
    project: str = "default"
    release: str = ""
    tenant: str = ""
    duration_ms: float = 800.0
    output_tokens: int = 20
    documents: tuple[str, ...] = ()


def calls(
    n_sessions: int,
    *,
    start: datetime,
    seed: int,
    is_strange: bool = False,
    service: str = "assistant",
    model: str = "gpt-4o",
    prompt_version: str = "v1",
    project: str = "default",
    release: str = "",
    tenant: str = "",
    slower: float = 1.0,
) -> list[Call]:
    """Sessions of two calls within 50 minutes from start; strange ones answer like a pirate, slower ones take that many times as long."""
    rng = random.Random(seed)
    made = []
    for number in range(n_sessions):
        begun = start + timedelta(minutes=rng.uniform(0, 45))
        for turn in range(2):
            prompt, completion = rng.choice(_STRANGE if is_strange else _USUAL)
            names = {"item": rng.choice(_ITEMS), "when": rng.choice(_WHEN)}
            made.append(
                Call(
                    start=begun + timedelta(minutes=turn),
                    prompt=prompt.format(**names),
                    completion=completion.format(**names),
                    service=service,
                    model=model,
                    prompt_version=prompt_version,
                    session_id=f"{service}-{seed}-{number}",
                    project=project,
                    release=release,
                    tenant=tenant,
                    duration_ms=slower * rng.lognormvariate(6.5, 0.4),
                    output_tokens=rng.randrange(15, 30),
                )
            )
    return made


def retrievals(n_sessions: int, *, start: datetime, seed: int, is_strange: bool = False) -> list[Call]:
    """Retrievals for a question each; strange ones find documents of the pirates."""
    answers = _STRANGE if is_strange else _USUAL
    rng = random.Random(seed)
    return [
        replace(
            call,
            documents=tuple(
                answer.format(item=rng.choice(_ITEMS), when=rng.choice(_WHEN)) for _, answer in rng.sample(answers, 2)
            ),
        )
        for call in calls(n_sessions, start=start, seed=seed)
    ]


def store_calls(store: Store, made: Sequence[Call], *, stored_at: datetime | None = None) -> None:
    """Insert calls as the collector's view would. stored_at: now unless given. Ids follow from the content, as a retry's would."""
    columns = [
        "project", "service", "start_time", "trace_id", "span_id", "kind", "request_model", "prompt_version", "session_id",
        "is_error", "prompt", "completion", "received_at", "stored_at", "release", "metadata", "duration_ms", "output_tokens", "documents",
    ]  # fmt: skip
    moment = stored_at if stored_at is not None else datetime.now(UTC)
    rows = []
    for call in made:
        digest = hashlib.sha256(
            f"{call.service} {call.start} {call.session_id} {call.prompt} {bool(call.documents)}".encode()
        ).digest()
        rows.append(
            (
                call.project, call.service, call.start, digest[:16], digest[16:24], "retrieval" if call.documents else "llm",
                "" if call.documents else call.model, call.prompt_version, call.session_id, int(call.is_error), call.prompt,
                "" if call.documents else call.completion, moment, moment, call.release, {"tenant": call.tenant} if call.tenant else {},
                call.duration_ms, call.output_tokens, [("", document, None) for document in call.documents],
            )
        )  # fmt: skip
    store.insert("generations", columns, rows)
