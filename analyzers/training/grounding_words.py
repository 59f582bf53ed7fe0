"""Writes weights/grounding_words.safetensors: a short vector for each English word that the bundled embedding model has a token for.

    python -m training.grounding_words

The model (all-MiniLM-L6-v2, Apache 2.0) embeds each word alone; words with one key are averaged; the mean is taken off, 64 principal
axes are kept, and each is rounded to eight bits. No data set is read.
"""

import json
from collections import defaultdict
from typing import Final

import numpy as np
import torch
from safetensors.numpy import save_file

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.embed.model_files import model_folder
from driftline_analyzers.grounding.words import words_of
from training.grounding import WEIGHTS

_DIMS: Final = 64
_SHORTEST: Final = 3


def main() -> int:
    """Embed, shorten, write."""
    torch.set_num_threads(1)
    folder = model_folder("bundled")
    if folder is None:
        raise FileNotFoundError("expected the bundled model's folder, got none")
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    words = [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) >= _SHORTEST]
    vectors = np.asarray(SentenceEmbedder(dtype="float32").embed(words), dtype=np.float32)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, word in enumerate(words):
        found = words_of(word)
        if len(found) == 1 and found[0].kind == "content":
            rows[found[0].key].append(row)
    keys = sorted(rows)
    means = np.stack([vectors[rows[key]].mean(0) for key in keys])
    means -= means.mean(0)
    axes = np.linalg.svd(means, full_matrices=False)[2][:_DIMS]
    short = means @ axes.T
    short /= np.abs(short).max(1, keepdims=True)
    rounded = np.rint(short * 127).astype(np.int8)
    WEIGHTS.mkdir(exist_ok=True)
    save_file(
        {"vectors": rounded},
        WEIGHTS / "grounding_words.safetensors",
        metadata={"keys": json.dumps(keys, separators=(",", ":")), "model": "all-MiniLM-L6-v2"},
    )
    print(json.dumps({"n_words": len(words), "n_keys": len(keys), "dims": _DIMS}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
