"""How lists and tables are written in environment variables."""

import json
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

_LISTS: Final = (tuple, list, set, frozenset)


class Environment(EnvSettingsSource):
    """Lists are values with commas between them, or JSON; tables are JSON. What is neither is refused where all values are checked."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """One variable's text -> what is checked."""
        text = str(value).strip()
        if any(_origin(one) in _LISTS for one in _alternatives(field.annotation)) and not text.startswith("["):
            return [part for one in text.split(",") if (part := one.strip())]
        try:
            return json.loads(text)
        except ValueError:
            return text


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _origin(annotation: Any) -> Any:
    origin = get_origin(annotation)
    return _origin(get_args(annotation)[0]) if origin is Annotated else origin
