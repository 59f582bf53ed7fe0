import pytest

from driftline_analyzers.grounding.label_names import says_supported


@pytest.mark.parametrize(
    "label",
    ["entailment", "ENTAILMENT", "Supported", "SUPPORTS", "consistent", "faithful", "grounded", "factual", "not_hallucinated",
     "non_hallucinated", "nonhallucinated", "no hallucination"],
)  # fmt: skip
def test_names_of_support(label: str) -> None:
    assert says_supported(label) is True


@pytest.mark.parametrize(
    "label",
    ["hallucinated", "Hallucination", "B-HALLUCINATION", "I-unsupported", "unsupported", "not_supported", "not_entailment", "NOT ENTAILED",
     "contradiction", "REFUTES", "inconsistent", "unfaithful", "baseless"],
)  # fmt: skip
def test_names_of_its_lack(label: str) -> None:
    assert says_supported(label) is False


@pytest.mark.parametrize("label", ["neutral", "LABEL_0", "LABEL_1", "O", "B-PER", "NOT ENOUGH INFO", "cats", ""])
def test_names_that_say_nothing_of_it(label: str) -> None:
    assert says_supported(label) is None
