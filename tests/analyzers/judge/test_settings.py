import pytest
from pydantic import ValidationError

from docs.settings_page import page, variable
from driftline_analyzers.judge import SHIPPED, Criterion, JudgeSettings
from tests.analyzers.judge.conftest import KEY


def test_the_judge_is_off_by_default() -> None:
    settings = JudgeSettings()
    assert not settings.is_enabled
    assert settings.asked == SHIPPED


def test_criteria_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DRIFTLINE_JUDGE_CRITERIA",
        '{"groundedness": "", "brand": "Does it sound like us?", "safe": {"rubric": "Is the answer safe?", "scale": "0-1"}}',
    )
    asked = JudgeSettings().asked
    assert list(asked) == ["groundedness", "brand", "safe"]
    assert asked["groundedness"] == SHIPPED["groundedness"]
    assert asked["brand"] == Criterion(rubric="Does it sound like us?")
    assert asked["safe"].scale == "0-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://localhost/v1"},
        {"url": "ftp://localhost", "model": "m"},
        {"url": "localhost:8000", "model": "m"},
        {"url": "http://user:pass@localhost/v1", "model": "m"},
        {"url": f"http://localhost/v1?key={KEY}", "model": "m"},
        {"budget_usd": 1.0},
        {"budget_usd": 1.0, "input_usd_mtok": 1.0},
        {"criteria": {"unheard_of": ""}},
        {"criteria": {"not a name": "Is the answer good enough?"}},
        {"criteria": {"helpfulness": {"rubric": "Is the answer good?", "reads": ["prompt"]}}},
        {"criteria": {"helpfulness": {"rubric": "Is the answer good?", "scale": "0-1", "flag_at": 3}}},
        {"share": 1.5},
        {"api_key": f"{KEY} {KEY}"},
        {"api_key": f"{KEY}\n{KEY}"},
        {"api_key": f"{KEY}é"},
        {"input_usd_mtok": float("inf")},
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused_without_the_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as error:
        JudgeSettings.model_validate({"api_key": KEY, **wrong})
    assert KEY not in str(error.value)


def test_a_key_s_line_end_and_a_whole_url_are_understood() -> None:
    settings = JudgeSettings(url="http://localhost/v1/chat/completions/", model="m", api_key=f" {KEY}\n")  # type: ignore[arg-type]  # pydantic makes it a SecretStr
    assert settings.url == "http://localhost/v1"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == KEY


def test_every_setting_is_on_the_page_with_its_unit() -> None:
    text = page([JudgeSettings])
    for name, field in JudgeSettings.model_fields.items():
        assert f"`{variable(JudgeSettings, name)}`" in text
        assert field.description
        assert field.description.endswith("."), field.description
        assert not name.endswith("_s") or "second" in field.description
    assert KEY not in repr(JudgeSettings(api_key=KEY))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("criterion", "flagged"),
    [
        (Criterion(rubric="Is the answer good?"), [1, 2]),
        (Criterion(rubric="Is the answer good?", flag_at=3), [1, 2, 3]),
        (Criterion(rubric="Is the answer good?", scale="0-1"), [0]),
    ],
)
def test_a_low_score_is_flagged(criterion: Criterion, flagged: list[int]) -> None:
    levels = range(criterion.lowest, criterion.highest + 1)
    assert [score for score in levels if criterion.is_flagged(score)] == flagged
    assert [criterion.share(criterion.lowest), criterion.share(criterion.highest)] == [0.0, 1.0]
