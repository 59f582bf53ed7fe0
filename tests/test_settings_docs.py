import annotated_types
import pytest
from pydantic.fields import FieldInfo

from docs.settings_page import PAGE, page, settings_classes, variable
from driftline_core.settings import ComponentSettings

FIELDS = [
    pytest.param(settings, name, field, id=variable(settings, name))
    for settings in settings_classes()
    for name, field in settings.model_fields.items()
]


def test_the_settings_page_is_what_the_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(settings_classes()), "run: python -m docs.settings_page"


@pytest.mark.parametrize(("settings", "name", "field"), FIELDS)
def test_every_setting_is_described(settings: type[ComponentSettings], name: str, field: FieldInfo) -> None:
    assert field.description, f"expected a description of {settings.__name__}.{name}, got none"
    assert field.description.endswith("."), field.description
    if name.endswith("_s"):
        assert "second" in field.description, field.description
    if name.endswith("_bytes"):
        assert "byte" in field.description.lower(), field.description


@pytest.mark.parametrize(("settings", "name", "field"), FIELDS)
def test_every_number_is_bounded(settings: type[ComponentSettings], name: str, field: FieldInfo) -> None:
    if field.annotation in {int, float}:
        bounds = (annotated_types.Ge, annotated_types.Gt, annotated_types.Interval)
        assert any(isinstance(entry, bounds) for entry in field.metadata), (
            f"{settings.__name__}.{name} has no lower bound"
        )


def test_every_component_has_a_prefix_of_its_own() -> None:
    prefixes = [str(settings.model_config.get("env_prefix")) for settings in settings_classes()]
    assert len(prefixes) == len(set(prefixes))
    assert all(prefix.startswith("DRIFTLINE_") and prefix != "DRIFTLINE_" for prefix in prefixes)
