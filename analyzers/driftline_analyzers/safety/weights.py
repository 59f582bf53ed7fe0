"""Trained weights as JSON: numbers as they are, arrays as base64 of little-endian float16."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_core.errors import InputError

FOLDER: Final = Path(__file__).parent.parent / "weights"


@cache
def load_weights(name: str) -> Mapping[str, Any]:
    """The file of that name in the weights folder, arrays as float32; read once a process. Not to be changed."""
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {
        key: _decoded(value) if isinstance(value, dict) and "float16" in value else value for key, value in raw.items()
    }


def save_weights(name: str, values: Mapping[str, Any]) -> Path:
    """Write it; arrays lose what float16 does not hold. One key a line, in the order given. Raises InputError where one is not finite."""
    parts = []
    for key, value in values.items():
        encoded = _encoded(key, value) if isinstance(value, np.ndarray) else value
        parts.append(f"{json.dumps(key)}: {json.dumps(encoded)}")
    path = FOLDER / f"{name}.json"
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


def _encoded(key: str, value: NDArray[np.floating[Any]]) -> dict[str, Any]:
    small = value.astype("<f2")
    if not np.isfinite(small).all():
        raise InputError(f"expected finite weights that float16 holds, got others in {key}")
    return {"float16": base64.b64encode(small.tobytes()).decode(), "shape": list(small.shape)}


def _decoded(value: Mapping[str, Any]) -> NDArray[np.float32]:
    data = np.frombuffer(base64.b64decode(value["float16"]), dtype="<f2")
    return data.reshape(value["shape"]).astype(np.float32)
