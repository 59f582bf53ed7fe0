"""Second stage: token classifiers that read an answer beside its documents and mark what is unsupported (LettuceDetect and its like)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_analyzers.grounding.label_names import says_supported
from driftline_analyzers.grounding.second_stage import Asked, Judgement
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import BatchEncoding

_MARKED_FROM: Final = 0.5
"""A token from this probability on is marked; of two labels the likelier one."""
_EVIDENCE_SHARE: Final = 4
"""An answer, or a claim, must leave one part in so many of the model's tokens to the evidence."""
_LONGEST_QUESTION: Final = 1000
"""Characters; what is longer is no question but a prompt with documents in it, and is left out."""
_CHARS_PER_TOKEN: Final = 12
"""Text with more characters for each free token is not even tried whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One pass of the model. text: the answer from shift on, or one claim of it; asked: places of the sentences to judge in it."""

    prompt: str
    text: str
    shift: int
    asked: Sequence[int]
    n_tokens: int


class TokenClassifierStage:
    """Any token classifier of transformers that labels the tokens of an answer, given as second text, by support.

    model: name or path. Its labels say which of them mean unsupported (`says_supported`); two without names, LABEL_0 and LABEL_1, are taken
    as LettuceDetect ships them, 1 for unsupported. The first text is the prompt that those models were trained on, RAGTruth's, with all
    documents, or where they are too long with the evidence of the sentences asked about, cut at its end; the second is the whole answer,
    read once whatever number of its sentences is asked about, or the sentence where the answer is too long. support: 1 - the largest
    probability of a token of the sentence; spans: its tokens from 0.5 on.

    max_tokens: of both texts, at most what the model takes; batch_tokens: of a batch of passes of like length, padding included.
    Raises ConfigError for a model that cannot be loaded, whose labels say nothing of support or whose tokenizer tells no offsets.
    """

    def __init__(self, model: str, *, device: str = "cpu", max_tokens: int = 4096, batch_tokens: int = 8192) -> None:
        import torch
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        self.name = model
        self._device = device
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
            loaded = AutoModelForTokenClassification.from_pretrained(
                model, trust_remote_code=False, dtype=torch.float32
            )
            self._model = loaded.to(device).eval()
        except (OSError, ValueError, ImportError) as error:
            raise ConfigError(f"expected a token classifier by name or path, got {model!r}: {error}") from error
        if not self._tokenizer.is_fast:
            raise ConfigError(
                f"expected a tokenizer of {model!r} that tells offsets (tokenizer.json), got {type(self._tokenizer).__name__}"
            )
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        config = loaded.config
        self._columns = unsupported_columns(
            {int(number): str(label) for number, label in config.id2label.items()}, model=model
        )
        limits = (self._tokenizer.model_max_length, getattr(config, "max_position_embeddings", None))
        self._max_tokens = min(max_tokens, *(int(limit) for limit in limits if limit))
        self._batch_tokens = batch_tokens
        self._n_special = int(self._tokenizer.num_special_tokens_to_add(pair=True))

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        """As `SecondStage.judge`; support is None of a sentence that does not fit beside any evidence."""
        found = [Judgement(support=None)] * len(asked)
        answers: dict[tuple[str, tuple[str, ...], str], list[int]] = defaultdict(list)
        for i, one in enumerate(asked):
            answers[one.question, one.documents, one.answer].append(i)
        readings = [reading for places in answers.values() for reading in self._readings(asked, places)]
        readings.sort(key=lambda one: -one.n_tokens)
        for batch in _batches(readings, self._batch_tokens):
            for reading, tokens in zip(batch, self._read(batch), strict=True):
                for i in reading.asked:
                    start, end = asked[i].start - reading.shift, asked[i].end - reading.shift
                    found[i] = _judgement(tokens, reading, start, end)
        return found

    def _readings(self, asked: Sequence[Asked], places: Sequence[int]) -> Iterator[_Reading]:
        """Of sentences of one answer: one of it all if it fits, else one a sentence that does."""
        least = self._max_tokens // _EVIDENCE_SHARE
        answer = asked[places[0]].answer
        room = self._room(answer)
        if room >= least:
            yield self._reading([asked[i] for i in places], places, answer, 0, room)
            return
        for i in places:
            room = self._room(asked[i].claim)
            if room >= least:
                yield self._reading([asked[i]], [i], asked[i].claim, asked[i].start, room)

    def _room(self, text: str) -> int:
        """Tokens that are left for the first text, negative if none."""
        most = self._max_tokens - self._n_special
        if len(text) > most * _CHARS_PER_TOKEN:
            return -1
        return most - self._n_tokens(text)

    def _n_tokens(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _reading(self, sentences: Sequence[Asked], places: Sequence[int], text: str, shift: int, room: int) -> _Reading:
        question, documents = sentences[0].question.strip(), sentences[0].documents
        if len(question) > min(_LONGEST_QUESTION, room):
            question = ""
        prompt, n_tokens = "", room + 1
        if sum(map(len, documents)) <= room * _CHARS_PER_TOKEN:
            prompt = prompt_of(question, [one for one in documents if one.strip()])
            n_tokens = self._n_tokens(prompt)
        if n_tokens > room:
            prompt = prompt_of(question, list(dict.fromkeys(one.evidence for one in sentences)))
            n_tokens = min(room, self._n_tokens(prompt))
        return _Reading(
            prompt=prompt, text=text, shift=shift, asked=places, n_tokens=n_tokens + self._max_tokens - room
        )

    def _read(self, batch: Sequence[_Reading]) -> list[list[tuple[int, int, float]]]:
        """Of each second text its tokens: start, end, probability that it is unsupported."""
        import torch

        encoded: BatchEncoding = self._tokenizer(
            [one.prompt for one in batch],
            [one.text for one in batch],
            truncation="only_first",
            max_length=self._max_tokens,
            padding=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping").tolist()  # (b, t, 2)
        with torch.inference_mode():
            logits = self._model(**encoded.to(self._device)).logits  # (b, t, labels)
        told = torch.softmax(logits.float(), dim=-1)[..., list(self._columns)].sum(-1).tolist()  # (b, t)
        return [
            [
                (start, end, probability)
                for sequence, (start, end), probability in zip(
                    encoded.sequence_ids(row), offsets[row], told[row], strict=True
                )
                if sequence == 1 and end > start
            ]
            for row in range(len(batch))
        ]


def prompt_of(question: str, passages: Sequence[str]) -> str:
    """The first text as RAGTruth words it for questions and for summaries, word for word as lettucedetect 0.2.3 does."""
    context = "\n".join(f"passage {number}: {passage}" for number, passage in enumerate(passages, start=1))
    if not question:
        return f"Summarize the following text:\n{context}\noutput:"
    return (
        f"Briefly answer the following question:\n{question}\n"
        f"Bear in mind that your response should be strictly based on the following {len(passages)} passages:\n{context}\n"
        "In case the passages do not contain the necessary information to answer the question, please reply with: "
        '"Unable to answer based on given passages."\noutput:'
    )


def unsupported_columns(labels: dict[int, str], *, model: str) -> tuple[int, ...]:
    """Which labels mean unsupported. Raises ConfigError where none does, or all do."""
    columns = tuple(number for number, label in labels.items() if says_supported(label) is False)
    if not columns and labels == {0: "LABEL_0", 1: "LABEL_1"}:
        return (1,)
    if not columns or len(columns) == len(labels):
        raise ConfigError(
            f"expected labels of {model!r} of which some mean unsupported (hallucinated, unsupported, contradiction, ..., or LABEL_1 of "
            f"two), got {', '.join(labels.values())}"
        )
    return columns


def _batches(readings: Sequence[_Reading], batch_tokens: int) -> Iterator[Sequence[_Reading]]:
    """readings: longest first. Batches whose longest, times their number, is within batch_tokens; one alone may be longer."""
    start = 0
    while start < len(readings):
        n = max(1, batch_tokens // max(1, readings[start].n_tokens))
        yield readings[start : start + n]
        start += n


def _judgement(tokens: Sequence[tuple[int, int, float]], reading: _Reading, start: int, end: int) -> Judgement:
    """Of text[start:end]; tokens that only reach into it count."""
    inside = [(max(one, start), min(two, end), told) for one, two, told in tokens if one < end and two > start]
    if not inside or not all(0 <= told <= 1 for *_, told in inside):
        return Judgement(support=None)
    spans: list[tuple[int, int]] = []
    follows = False  # the token before is marked
    for one, two, told in inside:
        is_marked = told >= _MARKED_FROM
        if is_marked and spans and (follows or one < spans[-1][1]):
            spans[-1] = (spans[-1][0], max(two, spans[-1][1]))
        elif is_marked:
            spans.append((one, two))
        follows = is_marked
    stripped = (_stripped(reading.text, *span) for span in spans)
    return Judgement(
        support=1 - max(told for *_, told in inside),
        spans=[(one + reading.shift, two + reading.shift) for one, two in stripped if one < two],
    )


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Without blanks at either end."""
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), start + len(inner.rstrip())
