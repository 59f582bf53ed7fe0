"""Number formats, and which of them this machine computes in."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16", "float16"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Backend = Literal["auto", "torch", "onnx", "openvino"]


def choose_precision(dtype: Dtype, *, device: str, backend: Backend) -> Precision:
    """The format asked for; 'auto' is bfloat16 where the device computes in it and the backend knows it, else float32."""
    import torch

    if dtype != "auto":
        return dtype
    if backend == "onnx":
        return "float32"
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if device == "cpu" and cpu_computes_bfloat16() else "float32"


def torch_dtype(precision: Precision) -> "torch.dtype":
    """torch's name of a format."""
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]


def cpu_computes_bfloat16() -> bool:
    """True where this processor multiplies bfloat16 in hardware; elsewhere bfloat16 is slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
