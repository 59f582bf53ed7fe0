"""Label sets: their identity, and names that every Alertmanager takes."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

Labels = Mapping[str, str]

LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def fingerprint(labels: Labels) -> str:
    """The identity of a label set: 16 hex characters, the same for equal sets whatever their order."""
    text = json.dumps(sorted(labels.items()), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def sanitise_labels(labels: Labels) -> dict[str, str]:
    """Labels with names that Alertmanager 0.25 takes: every other character becomes `_`, a leading digit gets one before it.

    Empty values are dropped, as Alertmanager would. When two names fall together the later in alphabetical order
    of the original names wins, so that equal sets stay equal. What UTF-8 cannot hold becomes `?`.
    """
    clean: dict[str, str] = {}
    for name in sorted(labels):
        if labels[name] == "":
            continue
        safe = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        if not safe or safe[0].isdigit():
            safe = f"_{safe}"
        clean[safe] = labels[name].encode("utf-8", "replace").decode("utf-8")
    return clean
