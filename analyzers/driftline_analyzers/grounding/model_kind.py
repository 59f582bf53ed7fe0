"""Which kind of second stage a model is, read from its config before anything of it is loaded."""

from driftline_analyzers.grounding.cross_encoder import CrossEncoderStage
from driftline_analyzers.grounding.second_stage import SecondStage
from driftline_analyzers.grounding.token_classifier import TokenClassifierStage
from driftline_core.errors import ConfigError


def open_second_stage(model: str, *, device: str) -> SecondStage:
    """model: name or path of a sequence or token classifier.

    A model that brings code of its own (`auto_map`, without a class of that name in transformers) is refused: nothing of a repository is
    run. Raises ConfigError, for a model of another kind too.
    """
    import transformers

    try:
        config, _ = transformers.PretrainedConfig.get_config_dict(model)
    except (OSError, ValueError) as error:
        raise ConfigError(f"expected a grounding model by name or path, got {model!r}: {error}") from error
    architectures = [str(name) for name in config.get("architectures") or ()]
    known = [name for name in architectures if hasattr(transformers, name)]
    if config.get("auto_map") and not known:
        raise ConfigError(
            f"expected a grounding model whose code transformers has, got {model!r}, which brings its own "
            f"({', '.join(architectures) or 'unnamed'}) and would need trust_remote_code; that is never switched on. Of HHEM, revision "
            "hhem-1.0-open is a plain cross-encoder: download that revision and name its folder"
        )
    if any(name.endswith("ForTokenClassification") for name in known):
        return TokenClassifierStage(model, device=device)
    if any(name.endswith("ForSequenceClassification") for name in known):
        return CrossEncoderStage(model, device=device)
    raise ConfigError(
        f"expected a sequence classifier (an NLI model, HHEM-1.0) or a token classifier (LettuceDetect) as grounding model, got {model!r} "
        f"with architecture {', '.join(architectures) or 'unnamed'}"
    )
