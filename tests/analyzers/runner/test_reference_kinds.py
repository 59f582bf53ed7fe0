"""What a window is compared with: a golden set, a pinned version, the release before; measured on itself; of an earlier build."""

from datetime import timedelta

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_core.reference_sets import GoldenRow, ReferenceSet, create_set, list_versions
from driftline_core.store import Store
from tests.analyzers.runner.running import HOUR, findings, run, statuses, steady
from tests.analyzers.traffic import EPOCH, calls, store_calls


def test_a_golden_set_whose_prompts_are_answered_again_is_compared_in_pairs(
    store: Store, embedder: SentenceEmbedder
) -> None:
    asked = [call for call in steady(4) if call.prompt]
    golden = [GoldenRow(prompt=f"{call.prompt} #{i}", completion=call.completion) for i, call in enumerate(asked)]
    create_set(store, ReferenceSet(project="default", name="suite", service="assistant", kind="golden"), golden=golden)
    for hour, is_strange in ((0, False), (1, True)):
        answers = calls(25, start=EPOCH + hour * HOUR, seed=5 + hour, is_strange=is_strange)
        store_calls(
            store,
            [
                type(call)(
                    start=call.start, prompt=golden[i].prompt, completion=call.completion, session_id=f"{hour}-{i}"
                )
                for i, call in enumerate(answers)
            ],
        )
    run(store, embedder, hours=3)
    rows = findings(store, field="completion")
    assert [row["explanation"]["design"] for row in rows] == ["pairs", "pairs"]
    assert [row["explanation"]["n_paired"] for row in rows] == [50, 50]
    assert [row["status"] for row in rows][1] == "drift"
    assert {(row["reference"], row["reference_version"]) for row in rows} == {("suite", "1")}


def test_a_pinned_version_is_the_norm_and_its_own_windows_are_not_tested(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(4))
    store_calls(store, steady(1, from_hour=4, prompt_version="v2"))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=8, is_strange=True, prompt_version="v3"))
    wanted = ReferenceSet(
        project="default",
        name="v1",
        service="assistant",
        kind="version",
        pinned_by="prompt_version",
        pinned_value="v1",
    )
    create_set(store, wanted)
    run(store, embedder, hours=8)
    assert [row["window_start"].hour for row in findings(store, field="completion")] == [4, 5]
    assert statuses(store) == ["ok", "drift"]


def test_the_release_before_is_frozen_when_it_is_first_needed(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(4, release="1.0"))
    store_calls(store, calls(25, start=EPOCH + 4 * HOUR, seed=8, is_strange=True, release="1.1"))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=9, is_strange=True, release="1.2"))
    create_set(
        store,
        ReferenceSet(
            project="default", name="before", service="assistant", kind="previous_release", pinned_by="release"
        ),
    )
    run(store, embedder, hours=8)
    rows = findings(store, field="completion")
    assert [row["status"] for row in rows] == ["insufficient"] * 4 + ["drift", "insufficient"]
    assert "no release before 1.0" in rows[0]["explanation"]["reason"]
    assert rows[4]["reference_version"] == "1/1.0"
    assert rows[4]["explanation"]["reference"] == "release 1.0, the one before 1.1"
    assert rows[5]["reference_version"] == "1/1.1"  # one window large: told, not tested
    frozen = list_versions(store, project="default", name="before")
    assert {(row["version"], row["segment"], row["n_calls"]) for row in frozen} == {
        ("1/1.0", "gpt-4o", 200),
        ("1/1.1", "gpt-4o", 50),
    }
    store_calls(store, steady(1, release="1.0"))  # late calls of a release that was frozen
    store.command("TRUNCATE TABLE cursors")
    run(store, embedder, hours=8)
    assert [row["n_reference"] for row in findings(store, field="completion")][4] == rows[4]["n_reference"]


def test_a_named_reference_says_how_often_its_own_windows_alarm(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(10))
    wanted = ReferenceSet(
        project="default",
        name="first",
        service="assistant",
        from_time=EPOCH,
        to_time=EPOCH + timedelta(hours=9),
    )
    create_set(store, wanted)
    run(store, embedder, hours=12, reference_check_windows=20, analyzers=("semantic_drift", "style_drift"))
    for row in findings(store, field="completion"):
        measured = row["explanation"]["calibration"]
        assert measured["configured"] == 0.01
        assert measured["n_windows"] >= 8
        assert measured["low"] <= measured["measured"] <= measured["high"]
        assert measured["at_5_percent"]["measured"] <= 0.4
    assert store.scalar("SELECT count() FROM reference_checks") == 3


def test_a_set_of_a_build_that_did_not_freeze_is_frozen_by_the_first_run(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(5))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=8, is_strange=True))
    columns = ("project", "name", "service", "model", "from_time", "to_time", "description", "is_deleted")
    row = ("default", "old", "assistant", "gpt-4o", EPOCH, EPOCH + 5 * HOUR, "", 0)
    store.insert("reference_sets", columns, [row])
    run(store, embedder, hours=8)
    (finding,) = findings(store, field="completion")
    assert (finding["status"], finding["reference"], finding["reference_version"]) == ("drift", "old", "1")
    assert store.scalar("SELECT count() FROM reference_texts WHERE name = 'old'") == 250


def test_frozen_texts_are_embedded_while_there_is_nothing_to_test(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(2))
    runner = run(store, embedder, hours=0.5)
    assert runner.embed_references() == 0  # no references, no model
    create_set(
        store,
        ReferenceSet(
            project="default", name="r", service="assistant", from_time=EPOCH, to_time=EPOCH + timedelta(hours=1)
        ),
    )
    assert runner.embed_references() > 50
    assert runner.embed_references() == 0
    assert store.scalar("SELECT uniqExact(model) FROM embeddings") == 1
