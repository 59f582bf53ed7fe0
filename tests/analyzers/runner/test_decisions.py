"""From p-values of a tick to drift, confirmed or not; and findings of an earlier build beside those of this one."""

from datetime import datetime
from typing import Any

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.decisions import Draft, decide
from driftline_analyzers.runner.findings import VERSION, Finding
from driftline_analyzers.runner.history import History
from driftline_core.store import Store, load_migrations, migrate
from tests.analyzers.runner.running import HOUR, findings, run, steady
from tests.analyzers.traffic import EPOCH, store_calls


def finding(p_value: float | None, *, start_ms: int = 0, segment: str = "a") -> Finding:
    return Finding(
        project="default", analyzer="semantic_drift", service="s", segment_by="model", segment=segment, field="prompt",
        prompt_version="", start_ms=start_ms, end_ms=start_ms + 10, window_texts=0, reference="trailing", reference_version="",
        status="insufficient", statistic=0.0, p_value=p_value, p_value_corrected=None, alpha=0.01, effect_size=0.0, is_confirmed=False,
        is_small=False, moved_share=None, moved_share_low=None, moved_share_high=None, n_reference=0, n_current=0, n_effective=0,
        n_tested=0, explanation={},
    )  # fmt: skip


def said(history: History, p_value: float | None, *, start_ms: int, is_far_tail: bool = False) -> Finding:
    (decided,) = decide(
        [Draft(finding=finding(p_value, start_ms=start_ms), is_far_tail=is_far_tail)], history, alpha=0.01
    )
    history.note([decided])
    return decided


def test_the_p_values_of_a_tick_are_corrected_together() -> None:
    drafts = [Draft(finding=finding(p, segment=str(i))) for i, p in enumerate((0.004, 0.5, None, 0.9))]
    decided = decide(drafts, History(()), alpha=0.01)
    assert [one.status for one in decided] == ["ok", "ok", "insufficient", "ok"]
    assert [one.p_value_corrected for one in decided] == [0.012, 0.75, None, 0.9]
    assert decide(drafts[:1], History(()), alpha=0.01)[0].status == "drift"


def test_drift_is_confirmed_by_the_window_before_and_too_few_texts_neither_count_nor_end_a_row() -> None:
    history = History(())
    assert not said(history, 0.001, start_ms=0).is_confirmed
    assert said(history, None, start_ms=10).status == "insufficient"
    assert said(history, 0.001, start_ms=20).is_confirmed
    assert said(history, 0.5, start_ms=30).status == "ok"
    assert not said(history, 0.001, start_ms=40).is_confirmed


def test_a_far_tail_needs_no_second_window() -> None:
    assert said(History(()), 0.001, start_ms=0, is_far_tail=True).is_confirmed
    assert not said(History(()), 0.5, start_ms=0, is_far_tail=True).is_confirmed


def old_finding(hour: int, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "finding_id": f"old-{hour}", "project": "default", "analyzer": "semantic_drift", "analyzer_version": "1",
        "service": "assistant", "model": "gpt-4o", "field": "completion", "prompt_version": "v1",
        "window_start": EPOCH + hour * HOUR, "window_end": EPOCH + (hour + 1) * HOUR, "reference": "trailing", "status": status,
        "statistic": 0.1, "p_value": 0.001, "p_value_corrected": 0.001, "alpha": 0.01, "effect_size": 9.0, "n_reference": 100,
        "n_current": 50, "n_effective": 25, "explanation": '{"seen": {"n_rows": 50, "last_stored_ms": 1}}',
        "computed_at": datetime(2026, 3, 3),
    } | changes  # fmt: skip


def test_what_an_earlier_build_found_drifting_stays_out_of_the_reference_after_the_upgrade(
    empty_store: Store, embedder: SentenceEmbedder
) -> None:
    every = load_migrations()
    migrate(empty_store, [migration for migration in every if migration.version < 15])
    rows = [old_finding(hour, "drift" if hour in (1, 2) else "ok") for hour in range(8)]
    empty_store.insert("findings", list(rows[0]), [list(row.values()) for row in rows])
    migrate(empty_store, every)
    assert migrate(empty_store, every) == []
    store_calls(empty_store, steady(8))
    assert empty_store.scalar("SELECT count() FROM findings FINAL WHERE segment_by = '' AND is_confirmed = 0") == 8
    run(empty_store, embedder, hours=10)
    newest = [row for row in findings(empty_store, field="completion") if row["analyzer_version"] == VERSION]
    assert len(newest) == 8
    assert newest[-1]["explanation"]["reference"] == "7 earlier windows of this model"
    assert len(findings(empty_store, field="completion")) == 16
