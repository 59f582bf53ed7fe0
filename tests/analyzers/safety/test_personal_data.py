import json
import string

import pytest

from driftline_analyzers.safety.check_digits import is_card_number, is_iban, is_luhn, is_passport_line, is_ssn
from driftline_analyzers.safety.personal_data import find_personal_data
from driftline_analyzers.safety.phone_numbers import is_international, is_north_american
from driftline_analyzers.safety.pii import PiiScorer
from tests.analyzers.safety.calls import call, no_embedding


def kinds(text: str) -> list[str]:
    return [one.kind for one in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("write to jean-luc.moreau+news@uni-x.ac.uk, please", "email", "jean-luc.moreau+news@uni-x.ac.uk"),
        ("Mail an büro@straße.example.", "email", "büro@straße.example"),
        ("call +49 30 901820 today", "phone", "+49 30 901820"),
        ("or (415) 555-2671.", "phone", "(415) 555-2671"),
        ("Telefon: 030 9018 2044", "phone", "030 9018 2044"),
        ("Phone 06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("card 4111 1111 1111 1111 please", "credit_card", "4111 1111 1111 1111"),
        ("amex 378282246310005", "credit_card", "378282246310005"),
        ("to DE89 3704 0044 0532 0130 00 by Friday", "iban", "DE89 3704 0044 0532 0130 00"),
        ("to GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("to de89 3704 0044 0532 0130 00 by Friday", "iban", "de89 3704 0044 0532 0130 00"),
        ("to gb82west12345698765432", "iban", "gb82west12345698765432"),
        ("Ｔｅｌ：０３－１２３４－５６７８", "phone", "０３－１２３４－５６７８"),
        ("電話：０３－１２３４－５６７８。", "phone", "０３－１２３４－５６７８"),
        ("電話番号は03-1234-5678です", "phone", "03-1234-5678"),
        ("call \u200b+49 30\u200b 901820 today", "phone", "+49 30\u200b 901820"),
        ("SSN 536-22-1234", "us_ssn", "536-22-1234"),
        ("social security 536 22 1234", "us_ssn", "536 22 1234"),
        ("from 8.8.8.8:53", "ipv4", "8.8.8.8"),
        ("from 2001:4860:4860::8888 on", "ipv6", "2001:4860:4860::8888"),
        ("device 3c:22:fb:01:9a:7e joined", "mac", "3c:22:fb:01:9a:7e"),
        ("born on 3 March 1984 in Leeds", "date_of_birth", "3 March 1984"),
        ("Geburtsdatum: 24.12.1979", "date_of_birth", "24.12.1979"),
        ("née le 3 mars 1984", "date_of_birth", "3 mars 1984"),
    ],
)
def test_personal_data_are_found_in_their_exact_place(text: str, kind: str, found: str) -> None:
    (one,) = find_personal_data(text)
    assert (one.kind, text[one.start : one.end]) == (kind, found)


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "order 1234 5678 9012 3456",
        "to DE89 3704 0044 0532 0130 01",
        "to de89 3704 0044 0532 0130 01",
        "to De89 3704 0044 0532 0130 00",
        "key fr1420041010050500013m02606x",
        "span be71096123456769abcdef",
        "x² and 10²³⁴⁵⁶⁷⁸",
        "000-12-3456, 666-12-3456 and 987-65-4321",
        "536 22 1234 units",
        "host 192.168.1.20 and 10.0.0.7",
        "version 1.2.3.4",
        "12:34:56 and std::vector",
        "00:00:00:00:00:00",
        "user@localhost, a@b, @mention",
        "2023-11-05 to 2024-01-07",
        "born free",
        "born 31.02.1984",
        "founded 12.03.1998 in Rome",
        "commit 3f2a9c1b7d5e4f60718293a4b5c6d7e8f9012345",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "+999 12345678",
        "",
        " \n",
    ],
)
def test_look_alikes_are_no_personal_data(text: str) -> None:
    assert kinds(text) == []


def test_check_digits_are_those_of_the_standards() -> None:
    assert is_luhn("79927398713")
    assert not is_luhn("79927398710")
    assert is_iban("FR1420041010050500013M02606")
    assert not is_iban("FR1420041010050500013M0260")
    assert not is_card_number("0" * 16)
    assert is_ssn("536", "22", "1234")
    assert not is_ssn("078", "05", "1120")
    assert is_passport_line("L898902C36UTO7408122F1204159ZE184226B<<<<<10")  # the specimen of ICAO 9303
    assert not is_passport_line("L898902C37UTO7408122F1204159ZE184226B<<<<<10")


def test_a_passport_is_its_two_machine_readable_lines() -> None:
    lines = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
    assert kinds(f"scan:\n{lines}\n") == ["passport"]


def test_a_telephone_number_has_a_calling_code_that_exists_and_enough_digits() -> None:
    assert is_international("+33 6 12 34 56 78")
    assert not is_international("+33 6 12 34")
    assert not is_international("+1 123 555 2671")
    assert is_north_american("415-555-2671")
    assert not is_north_american("415-155-2671")


def test_scores_count_and_place_but_never_repeat_the_data() -> None:
    text = "I am ada@firma.de, card 4111 1111 1111 1111"
    (scores,) = PiiScorer().score([call(prompt=text, documents=["clean", f"x {text}"])], embed=no_embedding)
    prompt, document = scores
    assert (prompt.field, prompt.value, prompt.is_flagged) == ("prompt", 2.0, True)
    assert prompt.evidence["kinds"] == {"credit_card": 1, "email": 1}
    assert [text[start:end] for start, end in prompt.evidence["spans"]] == ["ada@firma.de", "4111 1111 1111 1111"]
    assert (document.field, document.evidence["index"]) == ("document", 1)
    told = json.dumps([dict(one.evidence) for one in scores])
    assert "ada" not in told
    assert "4111" not in told


def test_a_clean_text_scores_zero_and_a_blank_one_not_at_all() -> None:
    (scores,) = PiiScorer().score([call(prompt="hello 😀 世界", completion=" ")], embed=no_embedding)
    assert [(one.field, one.value, one.is_flagged, dict(one.evidence)) for one in scores] == [
        ("prompt", 0.0, False, {})
    ]


def test_what_is_beyond_the_limit_is_not_read_and_said_so() -> None:
    text = "a " * 100_000 + "ada@firma.de"
    (scores,) = PiiScorer().score([call(prompt=text)], embed=no_embedding)
    assert scores[0].value == 0
    assert scores[0].evidence["unread_chars"] == len("ada@firma.de")


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "1-", "a.", "a@", "a@a.", "DE00" + "A" * 36 + " ", "DE00 AAAA ", "::", "a:b:", "00:", "born ", "+1", "(1", "P<", "1.1.1.",
     "é", "😀", "x@x.co ", "call 1", *string.punctuation],
)  # fmt: skip
def test_hostile_texts_of_a_hundred_thousand_characters_are_read_to_the_end(unit: str) -> None:
    text = (unit * (100_000 // len(unit)))[:99_000] + " mail ada@firma.de"
    assert kinds(text)[-1] == "email"
