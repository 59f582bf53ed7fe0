"""Which words of an unsupported sentence to mark."""

from collections.abc import Sequence

from driftline_analyzers.grounding.sentences import Sentence
from driftline_analyzers.grounding.words import Word

_BRIDGED_FUNCTION_WORDS = 2


def unsupported_spans(sentence: Sentence, words: Sequence[Word], is_missing: Sequence[bool]) -> list[tuple[int, int]]:
    """[start, end) of words without support, neighbours with at most two function words between them as one; the whole sentence where every
    word is in the documents, but not together.
    """
    spans: list[tuple[int, int]] = []
    n_between = _BRIDGED_FUNCTION_WORDS + 1
    for word, missing in zip(words, is_missing, strict=True):
        if missing:
            if spans and n_between <= _BRIDGED_FUNCTION_WORDS:
                spans[-1] = (spans[-1][0], word.end)
            else:
                spans.append((word.start, word.end))
            n_between = 0
        elif word.carries:
            n_between = _BRIDGED_FUNCTION_WORDS + 1
        else:
            n_between += 1
    return spans or [(sentence.start, sentence.end)]
