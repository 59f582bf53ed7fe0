import inspect
import re
from pathlib import Path

import driftline
from tests.sdk.conftest import RunApp
from tests.sdk.receiver import Receiver

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"


def test_the_examples_of_the_page_run_and_arrive(run_app: RunApp, receiver: Receiver) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    run_app(
        "\n".join([*blocks, "open_ticket('x')", "call('m', {'messages': 'Really?'})"]), DRIFTLINE_ENDPOINT=receiver.url
    )
    assert {span.name for span in receiver.wait_for_spans(6)} == {
        "chat support-small",
        "retrieval handbook",
        "execute_tool open_ticket",
        "chat m",
    }
    assert b"That helped." in b"".join(receiver.logs)
    in_session = [
        attribute.value.string_value
        for span in receiver.spans()
        for attribute in span.attributes
        if attribute.key == "session.id"
    ]
    assert in_session == ["chat-81", "chat-81"]


def test_every_argument_of_instrument_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [name for name in inspect.signature(driftline.instrument).parameters if f"`{name}`" not in text]
    assert missing == []
