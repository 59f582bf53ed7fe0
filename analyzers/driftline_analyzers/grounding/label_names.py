"""What a model's label says of support, read from its name."""

import re
from typing import Final

_TAG: Final = re.compile(r"^[BIELSU]-")
_DENIED: Final = re.compile(r"^(?:not?|non)(?=[ _-])[ _-]+|^non(?=h)")
_SUPPORTED: Final = ("entail", "support", "consistent", "faithful", "grounded", "factual")
_UNSUPPORTED: Final = (
    "hallucinat", "unsupport", "contradict", "inconsistent", "unfaithful", "ungrounded", "baseless", "fabricat", "nonfactual", "refut",
)  # fmt: skip


def says_supported(label: str) -> bool | None:
    """True for names like entailment, supported, not_hallucinated; False for hallucination, B-unsupported, not_entailment; else None."""
    plain = _TAG.sub("", label).strip().lower()
    name = _DENIED.sub("", plain)
    is_denied = name != plain
    if name.startswith(_SUPPORTED):
        return not is_denied
    if name.startswith(_UNSUPPORTED):
        return is_denied
    return None
