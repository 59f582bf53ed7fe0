"""Texts to unit vectors with a sentence-transformers model."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from driftline_analyzers.embed.chunks import ChunkPlan, LongTexts, Reading
from driftline_analyzers.embed.model_files import fingerprint_of_folder, fingerprint_of_weights, model_folder
from driftline_analyzers.embed.precision import Backend, Dtype, Precision, choose_precision, torch_dtype
from driftline_analyzers.embed.vectors import Embeddings, OnBatch
from driftline_core.errors import ConfigError
from driftline_core.log import get_logger

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from driftline_analyzers.embed.routes import Route, SequenceEncoder
    from driftline_analyzers.embed.token_vectors import TokenVectors

__all__ = ["Embedder", "Embeddings", "OnBatch", "SentenceEmbedder", "TellsReadings"]

_LOG = get_logger("analyzers")
_DEFAULT_LIMIT_TOKENS = 512


class Embedder(Protocol):
    """What turns texts into vectors, for several threads at once."""

    @property
    def model_id(self) -> str:
        """Names the weights, not only the model: vectors of two ids are never mixed."""
        ...

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        """(n,) texts -> (n, d) float32, unit length."""
        ...


@runtime_checkable
class TellsReadings(Protocol):
    """An embedder that says which texts it chunks or cuts."""

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """How embed reads each of these texts, without embedding them."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model by name or path, loaded at its first use.

    model: 'bundled', a folder, or a name that sentence-transformers resolves. dtype 'auto' is bfloat16 where the device computes in it
    (CUDA with bf16, CPUs with AVX512-BF16 or AMX), else float32; the choice is logged and part of model_id.
    backend 'auto' and 'torch': BERT-type encoders run without padding, every other model as sentence-transformers runs it;
    'onnx' and 'openvino' need the extras of those names. long_texts 'chunk' averages texts beyond the model's limit over chunks of tokens
    (at most max_chunks, with overlap tokens shared), 'truncate' reads their beginning; texts within the limit get the same vectors.
    threads: batches computed at a time on the CPU, one core each; None is as many as torch has threads.
    One embedder serves all threads of a process: it is loaded by the first that needs it while the others wait, and the batches of all
    go through one queue (`Workers`), so that a few texts wait for a few batches of a long job, never for its end.
    Raises ConfigError for a model, device or backend that is not there: never another in silence.
    """

    def __init__(
        self,
        *,
        model: str = "bundled",
        device: str = "cpu",
        dtype: Dtype = "auto",
        backend: Backend = "auto",
        batch_tokens: int = 2048,
        threads: int | None = None,
        long_texts: LongTexts = "chunk",
        chunk_overlap: int = 0,
        max_chunks: int = 16,
    ) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype
        self.backend = backend
        self.batch_tokens = batch_tokens
        self.threads = threads
        self.long_texts = long_texts
        self.chunk_overlap = chunk_overlap
        self.max_chunks = max_chunks
        self._loading = threading.RLock()  # model_id may have to load
        self._route: Route | None = None
        self._model_id: str | None = None

    @property
    def model_id(self) -> str:
        """'all-MiniLM-L6-v2@<12 hex of the weights and configuration>/<dtype>[/<backend>][/<chunks>]'."""
        if self._model_id is None:
            with self._loading:
                folder = model_folder(self.model)
                if folder is None:
                    self._load()
                elif self._model_id is None:
                    self._model_id = self._name(folder, fingerprint_of_folder(folder))
        assert self._model_id is not None
        return self._model_id

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        """(n,) texts -> (n, d) float32, unit length, in the order given."""
        return self._load().embed(texts, on_batch)

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """How embed reads each of these texts, without embedding them."""
        return self._load().readings(texts)

    def token_vectors(self, texts: Sequence[str]) -> list["TokenVectors"]:
        """As `TokenEmbedder.token_vectors`. Raises ConfigError for a model that is not BERT-like, or a backend that is not torch."""
        from driftline_analyzers.embed.routes import TokenRoute

        route = self._load()
        if not isinstance(route, TokenRoute):
            raise ConfigError(f"expected an embedding model of the BERT kind for vectors of tokens, got {self.model!r}")
        return route.token_vectors(texts)

    def _load(self) -> "Route":
        if self._route is not None:
            return self._route
        with self._loading:
            if self._route is None:
                model = self._load_model()
                if self._model_id is None:
                    folder = model_folder(self.model)
                    self._model_id = self._name(
                        folder, fingerprint_of_weights(model) if folder is None else fingerprint_of_folder(folder)
                    )
                self._route = self._make_route(model)
                _LOG.info(
                    "embedding model loaded", model=self._model_id, device=self.device, route=type(self._route).__name__
                )
            return self._route

    def _load_model(self) -> "SentenceTransformer":
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        # Bars while it loads would tear ours and fill logs.
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise ConfigError(f"expected a CUDA device for device={self.device!r}, got none; set device to cpu")
        if self.backend in ("onnx", "openvino") and self.device != "cpu":
            raise ConfigError(f"expected device cpu for backend {self.backend}, got {self.device!r}")
        folder = model_folder(self.model)
        is_torch = self.backend in ("auto", "torch")
        try:
            model = SentenceTransformer(
                str(folder) if folder is not None else self.model,
                device=self.device,
                model_kwargs={"dtype": torch.float32},
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(f"cannot load the embedding model {self.model!r} on {self.device!r}: {error}") from error
        model.eval()
        if is_torch:
            _convert(model, torch_dtype(self._precision()))
        return model

    def _make_route(self, model: "SentenceTransformer") -> "Route":
        import torch

        from driftline_analyzers.embed.routes import TextRoute, TokenRoute
        from driftline_analyzers.embed.tokens import fast_tokenizer

        plan = self._plan()
        n_workers = torch.get_num_threads() if self.device == "cpu" else 1
        encoder, longest = self._make_encoder(model, n_workers)
        limit = min(model.get_max_seq_length() or longest, longest)
        rust = fast_tokenizer(model)
        if encoder is None or rust is None:
            return TextRoute(model=model, rust=rust, plan=plan, limit=limit, batch_tokens=self.batch_tokens)
        return TokenRoute(
            rust=rust,
            encoder=encoder,
            plan=plan,
            limit=limit,
            batch_tokens=self.batch_tokens,
            n_workers=n_workers,
        )

    def _make_encoder(self, model: "SentenceTransformer", n_workers: int) -> "tuple[SequenceEncoder | None, int]":
        """An encoder of token ids, or None where sentence-transformers has to encode; and the most tokens it takes."""
        if self.backend == "openvino":
            from driftline_analyzers.embed.openvino import OpenVinoEncoder

            encoder = OpenVinoEncoder.from_model(model, precision=self._precision(), n_workers=n_workers)
            return encoder, encoder.longest
        if self.backend == "onnx":
            from driftline_analyzers.embed.onnx import OnnxEncoder

            onnx_encoder = OnnxEncoder.from_model(model, precision=self._precision())
            return onnx_encoder, onnx_encoder.longest
        from driftline_analyzers.embed.bert import BertEncoder

        bert = BertEncoder.from_model(model)
        return bert, _DEFAULT_LIMIT_TOKENS if bert is None else bert.longest

    def _plan(self) -> ChunkPlan:
        return ChunkPlan(long_texts=self.long_texts, overlap=self.chunk_overlap, max_chunks=self.max_chunks)

    def _precision(self) -> Precision:
        return choose_precision(self.dtype, device=self.device, backend=self.backend)

    def _name(self, folder: Path | None, fingerprint: str) -> str:
        name = self.model if folder is None else "all-MiniLM-L6-v2" if self.model == "bundled" else folder.name
        backend = "" if self.backend in ("auto", "torch") else f"/{self.backend}"
        return f"{name}@{fingerprint[:12]}/{self._precision()}{backend}{self._plan().id_suffix}"


def _convert(model: "SentenceTransformer", dtype: "torch.dtype") -> None:
    """The transformer's weights in another format, where it is another. Not by transformers, which sets torch's default for the whole
    process while it loads: the numbers of other threads would be of that format too, and for good when two load at once.
    """
    transformer = getattr(model[0], "auto_model", None)
    for weights in transformer.parameters() if transformer is not None else ():
        weights.data = weights.data.to(dtype)
