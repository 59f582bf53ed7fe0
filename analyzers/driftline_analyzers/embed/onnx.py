"""The optional backend ONNX Runtime, on the CPU in float32."""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline_analyzers.embed.precision import Precision
from driftline_analyzers.embed.vectors import Embeddings
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_OPSET = 17


class OnnxEncoder:
    """A session that computes in the thread that calls it; several may call at once."""

    def __init__(self, session: Any, *, n_dims: int, longest: int, pad_id: int) -> None:
        self._session = session
        self._n_dims = n_dims
        self._pad_id = pad_id
        self.longest = longest

    @classmethod
    def from_model(cls, model: "SentenceTransformer", *, precision: Precision) -> "OnnxEncoder":
        """Export a model and load it. Raises ConfigError without the extra, for another precision, or a model that cannot be exported."""
        if precision != "float32":
            raise ConfigError(f"expected dtype auto or float32 for backend onnx, got {precision}")
        try:
            import onnx  # noqa: F401 - torch's exporter needs it
            import onnxruntime
        except ImportError as error:
            raise ConfigError(
                f"expected the packages of backend onnx, got {error}: pip install 'driftline[onnx]'"
            ) from error
        import torch

        from driftline_analyzers.embed.padded import PaddedModel

        padded = PaddedModel(model, backend="onnx").eval()
        graph = io.BytesIO()
        axes = {0: "texts", 1: "tokens"}
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what tracing fixes (no decoder, no cache) is fixed in an encoder
                torch.onnx.export(
                    padded,
                    padded.example(),
                    graph,  # type: ignore[arg-type]  # a stream is taken too, says its docstring
                    input_names=["input_ids", "attention_mask"],
                    output_names=["vectors"],
                    dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "texts"}},
                    opset_version=_OPSET,
                    dynamo=False,
                )
        except (RuntimeError, ValueError, TypeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ConfigError(f"cannot export the embedding model to ONNX: {error}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])
        return cls(session, n_dims=padded.n_dims, longest=padded.longest, pad_id=padded.pad_id)

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

        ids, mask = pad(sequences, pad_id=self._pad_id)
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, dtype=np.float32)
