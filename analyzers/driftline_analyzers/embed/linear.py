"""Matrix products of a layer: torch's own, or oneDNN's with weights laid out once and for all, where that works."""

from typing import Final, Protocol

import torch
from torch import Tensor

_ROWS_HINT: Final = 2048


class Linear(Protocol):
    """y = x Wᵀ + b."""

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d_in) -> (n, d_out)."""
        ...

    def plus(self, x: Tensor, residual: Tensor) -> Tensor:
        """(n, d_in), (n, d_out) -> y + residual, (n, d_out)."""
        ...


class PlainLinear:
    """torch's linear."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight = weight
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d_in) -> (n, d_out)."""
        return torch.nn.functional.linear(x, self._weight, self._bias)

    def plus(self, x: Tensor, residual: Tensor) -> Tensor:
        """(n, d_in), (n, d_out) -> y + residual, (n, d_out)."""
        return self(x).add_(residual)


class PackedLinear:
    """oneDNN's linear over weights in its own layout, the sum with the residual in the same kernel.

    These are the operators that torch.compile emits; torch does not promise them to callers, hence make_linear checks before use.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS_HINT)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d_in) -> (n, d_out)."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
        return y

    def plus(self, x: Tensor, residual: Tensor) -> Tensor:
        """(n, d_in), (n, d_out) -> y + residual, (n, d_out)."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, residual, self._weight, self._bias, "add")
        return y


def make_linear(weight: Tensor, bias: Tensor) -> Linear:
    """The faster of the two that gives the right product here. weight: (d_out, d_in); bias: (d_out,)."""
    plain = PlainLinear(weight, bias)
    if weight.device.type != "cpu" or not torch._C._has_mkldnn:
        return plain
    d_out, d_in = weight.shape
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, d_in, generator=generator).to(weight.dtype)
    residual = torch.randn(3, d_out, generator=generator).to(weight.dtype)
    try:
        packed = PackedLinear(weight, bias)
        with torch.inference_mode():
            got, expected = torch.stack([packed(x), packed.plus(x, residual)]), plain(x)
            wanted = torch.stack([expected, expected + residual])
    except (AttributeError, RuntimeError, TypeError):
        return plain
    tolerance = 8 * torch.finfo(weight.dtype).eps * max(1.0, float(wanted.abs().max()))
    return packed if torch.allclose(got, wanted, rtol=0, atol=tolerance) else plain
