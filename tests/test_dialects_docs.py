from docs.dialects_page import PAGE, page


def test_the_dialects_page_is_what_the_table_and_the_recordings_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: python -m docs.dialects_page"


def test_its_example_is_the_file_that_a_test_derives_by() -> None:
    example = (PAGE.parent / "dialects_example.yaml").read_text(encoding="utf-8")
    rows = [line for line in example.splitlines() if line and not line.startswith("#")]
    block = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    assert block.splitlines() == rows
