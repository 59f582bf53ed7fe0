"""What the comparison of groups reads, how much of it, and when a gap is a finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from driftline_analyzers.bias.comparison import GapRules
from driftline_analyzers.bias.labels import Place
from driftline_analyzers.settings import AnalyzerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasSettings:
    """window: aligned to the Unix epoch; settle: wait after its end; max_windows: of the past that a first run looks at.

    place: the text that says which group a call is about. declared: columns whose values are groups, such as metadata.region;
    max_declared_groups: the most frequent of their values. template_by: column that says which template was asked; calls without it are
    matched by clusters of masked prompts. pair_by: column that names the counterfactual pair of a call.
    scores: measures that other analyzers have stored, (analyzer, field) by measure.
    max_calls: read of a service and window, whole sessions; max_per_group: of them, measured of each group; max_per_session.
    per_model: a comparison each model, instead of one of the service matched by model. lexicon: a file like groups.toml; None is ours.
    first_names: an axis "first name" as well, found in texts: a proxy of gender, wrong for some people, and no statement about any of them.
    """

    window: timedelta = timedelta(days=7)
    settle: timedelta = timedelta(hours=1)
    max_windows: int = 4
    place: Place = "prompt"
    declared: tuple[str, ...] = ()
    max_declared_groups: int = 12
    template_by: str = ""
    pair_by: str = ""
    scores: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: {"toxicity": ("toxicity", "completion"), "grounding": ("grounding", "completion")}
    )
    max_services: int = 20
    max_calls: int = 20_000
    max_per_group: int = 2_000
    max_per_session: int = 50
    max_chars: int = 4_000
    per_model: bool = False
    lexicon: Path | None = None
    first_names: bool = False
    rules: GapRules = field(default_factory=GapRules)

    @classmethod
    def of(cls, settings: AnalyzerSettings) -> Self:
        """What the environment's settings say, the rest by default."""
        return cls(
            window=settings.bias_window,
            place=settings.bias_place,
            declared=settings.bias_declared,
            template_by=settings.bias_template_by,
            pair_by=settings.bias_pair_by,
            per_model=settings.bias_per_model,
            lexicon=settings.bias_lexicon,
            first_names=settings.bias_first_names,
        )
