import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from driftline_analyzers.grounding.cross_encoder import CrossEncoderStage
from driftline_analyzers.grounding.model_kind import open_second_stage
from driftline_analyzers.grounding.token_classifier import TokenClassifierStage
from driftline_core.errors import ConfigError
from tests.analyzers.grounding.tiny_models import random_sequence_classifier, random_token_classifier


def test_the_kind_of_a_model_is_read_from_its_config(tmp_path: Path) -> None:
    for name in ("tokens", "pairs"):
        (tmp_path / name).mkdir()
    tokens = random_token_classifier(tmp_path / "tokens", {0: "LABEL_0", 1: "LABEL_1"})
    pairs = random_sequence_classifier(tmp_path / "pairs", {0: "LABEL_0"})
    assert isinstance(open_second_stage(tokens, device="cpu"), TokenClassifierStage)
    assert isinstance(open_second_stage(pairs, device="cpu"), CrossEncoderStage)


def changed(folder: Path, **values: object) -> str:
    """A sequence classifier whose config says something else."""
    random_sequence_classifier(folder, {0: "LABEL_0"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | values
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def test_code_of_a_model_is_never_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for module in ("configuration_own", "modeling_own"):
        (tmp_path / f"{module}.py").write_text(f"open({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    model = changed(
        tmp_path,
        model_type="HHEMv2Config",
        architectures=["HHEMv2ForSequenceClassification"],
        auto_map={
            "AutoConfig": "configuration_own.HHEMv2Config",
            "AutoModelForSequenceClassification": "modeling_own.HHEMv2ForSequenceClassification",
        },
    )
    with pytest.raises(ConfigError, match=r"trust_remote_code.*hhem-1\.0-open"):
        open_second_stage(model, device="cpu")
    assert not ran.exists()


def test_a_model_whose_class_transformers_has_is_taken_though_it_brings_code(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    model = changed(tmp_path, auto_map={"AutoModelForSequenceClassification": "modeling_own.Own"})
    assert isinstance(open_second_stage(model, device="cpu"), CrossEncoderStage)
    assert not ran.exists()


@pytest.mark.parametrize("architectures", [["BertForMaskedLM"], ["BertModel"], [], ["NoSuchForTokenClassification"]])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, architectures: list[str]) -> None:
    model = changed(tmp_path, architectures=architectures)
    with pytest.raises(ConfigError, match=r"sequence classifier .* or a token classifier"):
        open_second_stage(model, device="cpu")


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="by name or path"):
        open_second_stage(str(tmp_path / "nowhere"), device="cpu")


@pytest.mark.parametrize("make", [random_token_classifier, random_sequence_classifier])
def test_weights_of_sixteen_bits_are_read_in_full(make: Callable[[Path, dict[int, str]], str], tmp_path: Path) -> None:
    """Reading them as they are would set torch's number format for the whole process while they load."""
    model = make(tmp_path, {0: "supported", 1: "hallucinated"})
    kind = AutoModelForTokenClassification if make is random_token_classifier else AutoModelForSequenceClassification
    kind.from_pretrained(model).to(torch.bfloat16).save_pretrained(model)
    stage = open_second_stage(model, device="cpu")
    assert isinstance(stage, TokenClassifierStage | CrossEncoderStage)
    assert {weights.dtype for weights in stage._model.parameters()} == {torch.float32}
