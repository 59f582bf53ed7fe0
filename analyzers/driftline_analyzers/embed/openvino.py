"""The optional backend OpenVINO, on the CPU in float32 or bfloat16."""

import threading
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline_analyzers.embed.precision import Precision
from driftline_analyzers.embed.vectors import Embeddings
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class OpenVinoEncoder:
    """A compiled model with one stream for each worker; each thread that calls has a request of its own."""

    def __init__(self, compiled: Any, *, n_dims: int, longest: int, pad_id: int) -> None:
        self._compiled = compiled
        self._n_dims = n_dims
        self._pad_id = pad_id
        self._of_thread = threading.local()
        self.longest = longest

    @classmethod
    def from_model(cls, model: "SentenceTransformer", *, precision: Precision, n_workers: int) -> "OpenVinoEncoder":
        """Convert and compile a model. Raises ConfigError without the extra, for float16, or a model that cannot be converted."""
        try:
            import openvino
        except ImportError as error:
            raise ConfigError(
                f"expected the package of backend openvino, got {error}: pip install 'driftline[openvino]'"
            ) from error
        if precision == "float16":
            raise ConfigError("expected dtype auto, float32 or bfloat16 for backend openvino, got float16")
        core = openvino.Core()
        if precision == "bfloat16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ConfigError("expected a CPU that computes in bfloat16 for this dtype, got one that does not")
        import torch

        from driftline_analyzers.embed.padded import PaddedModel

        padded = PaddedModel(model, backend="openvino").eval()
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what tracing fixes (no decoder, no cache) is fixed in an encoder
                graph = openvino.convert_model(padded, example_input=padded.example())
            compiled = core.compile_model(
                graph,
                "CPU",
                {
                    "NUM_STREAMS": n_workers,
                    "INFERENCE_NUM_THREADS": n_workers,
                    "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
                },
            )
        except (RuntimeError, ValueError, TypeError) as error:
            raise ConfigError(f"cannot convert the embedding model to OpenVINO: {error}") from error
        return cls(compiled, n_dims=padded.n_dims, longest=padded.longest, pad_id=padded.pad_id)

    @property
    def n_dims(self) -> int:
        """Numbers of a vector."""
        return self._n_dims

    @property
    def pads(self) -> bool:
        """True: a batch costs what its longest sequence costs, times its sequences."""
        return True

    def encode(self, sequences: Sequence[Sequence[int]]) -> Embeddings:
        """Token ids with special tokens -> (n, d) float32, unit length."""
        from driftline_analyzers.embed.padded import pad

        request = getattr(self._of_thread, "request", None)
        if request is None:
            request = self._of_thread.request = self._compiled.create_infer_request()
        results = request.infer(list(pad(sequences, pad_id=self._pad_id)))
        return np.array(results[0], dtype=np.float32)
