"""Lists and tables in environment variables."""

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from driftline_core.settings import ComponentSettings


class Example(ComponentSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="EXAMPLE_", env_ignore_empty=True)

    names: tuple[str, ...] = ("a",)
    secrets: tuple[SecretStr, ...] = ()
    numbers: tuple[int, ...] | None = None
    shares: dict[str, float] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "names"),
    [("b, c,,", ("b", "c")), ('["b, c", "d"]', ("b, c", "d")), ("12", ("12",)), ("", ("a",)), ("true", ("true",))],
)
def test_a_list_has_commas_or_is_json(monkeypatch: pytest.MonkeyPatch, text: str, names: tuple[str, ...]) -> None:
    monkeypatch.setenv("EXAMPLE_NAMES", text)
    assert Example().names == names


def test_other_values_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SECRETS", "x,y")
    monkeypatch.setenv("EXAMPLE_NUMBERS", "1,2")
    monkeypatch.setenv("EXAMPLE_SHARES", '{"a": 0.5}')
    found = Example(names=("given",))
    assert [one.get_secret_value() for one in found.secrets] == ["x", "y"]
    assert (found.names, found.numbers, found.shares) == (("given",), (1, 2), {"a": 0.5})


@pytest.mark.parametrize(
    ("name", "text"), [("NAMES", '["a'), ("NUMBERS", "1,x"), ("SHARES", "a=0.5"), ("SHARES", "[1]"), ("SHARES", "{")]
)
def test_what_is_neither_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(f"EXAMPLE_{name}", text)
    with pytest.raises(ValidationError, match=name.lower()):
        Example()
