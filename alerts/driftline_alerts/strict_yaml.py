"""YAML as Prometheus reads it: every scalar is a text, a key may stand once, one document a file."""

from typing import Any

import yaml

from driftline_alerts.errors import RuleError


class _Loader(yaml.BaseLoader):
    """BaseLoader keeps `5m`, `1e3` and `no` as written; duplicates are refused here."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "expected a text as key", key_node.start_mark)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def load_strict_yaml(text: str, *, where: str) -> Any:
    """The document in text: dicts, lists and strings. Raises RuleError naming where and the line."""
    try:
        return yaml.load(text, Loader=_Loader)  # BaseLoader builds nothing but texts
    except yaml.YAMLError as error:
        raise RuleError(f"{where}: expected YAML, got {' '.join(str(error).split())}") from error
