from training.injection import merged

OLD = "### a\n\n| 1 |\n\n### b\n\n| 2 |\n\n### c\n\n| 3 |"


def test_new_tables_take_the_place_of_those_of_their_name_and_others_stay() -> None:
    assert merged(OLD, "### b\n\n| 9 |") == OLD.replace("| 2 |", "| 9 |")
    assert merged("", OLD) == OLD
    assert merged(f"\n\n{OLD}\n\n", OLD) == OLD


def test_a_table_of_a_new_name_follows_the_one_before_it() -> None:
    found = merged(OLD, "### a\n\n| 1 |\n\n### a2\n\n| 5 |\n\n### c\n\n| 3 |\n\n### d\n\n| 6 |")
    assert [line for line in found.splitlines() if line.startswith("#")] == [
        "### a",
        "### a2",
        "### b",
        "### c",
        "### d",
    ]
