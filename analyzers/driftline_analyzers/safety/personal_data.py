"""Personal data by pattern and validator: what has a form that can be checked. Names and postal addresses have none and are not found."""

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

from driftline_analyzers.safety import phone_numbers
from driftline_analyzers.safety.check_digits import is_card_number, is_iban, is_passport_line, is_ssn
from driftline_analyzers.safety.findings import Finding, without_overlaps
from driftline_analyzers.safety.folding import in_original, plain

_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])\w[\w.+%-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,50})(?![\w-])"
)
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u9fff"
"""Scripts that set no space between a word and a number."""
_DIGITS: Final = re.compile(
    rf"(?<![.,@/#=-])(?<![^\W{_UNSPACED}])(?:\+|\()?\d(?:[ \u00a0().\-/]{{0,3}}\d){{6,18}}(?![^\W{_UNSPACED}]|@|[.,/-]\d)"
)
_CARD_GROUPS: Final = re.compile(r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[A-Za-z0-9]{11,30}|(?:[ -][A-Za-z0-9]{4}){2,7}(?:[ -][A-Za-z0-9]{1,4})?)(?![A-Za-z0-9])"
)
_SMALL_IBAN: Final = re.compile(r"[a-z]{2}\d{2}[a-z0-9]{0,4}\d*")
"""Letters in the bank's code alone: two small letters and digits begin many an identifier."""
_SSN: Final = re.compile(r"(?<![\w-])(\d{3})([- ]?)(\d{2})\2(\d{4})(?![\w]|-\d)")
_SSN_WORDS: Final = re.compile(r"\bSSN\b|social security", re.IGNORECASE)
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_VERSION_WORDS: Final = re.compile(r"(?:version|release|build|v|section|chapter|§)[ :.]*$", re.IGNORECASE)
_IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{6,39}(?![\w:])")
_MAC: Final = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")
_PASSPORT: Final = re.compile(r"(?<![A-Z0-9<])P[A-Z<][A-Z<]{3}[A-Z<]{39}\s{1,4}([A-Z0-9<]{44})(?![A-Z0-9<])")
_PHONE_WORDS: Final = re.compile(
    r"(?:\b(?:phone|tel\b|telephone|telefon|téléphone|teléfono|telefone|mobile|cell|handy|whatsapp|fax|call|text|dial|ring|reach|тел)\w*"
    r"|電話|电话|手机|携帯|전화)[^\d\n]{0,20}$",
    re.IGNORECASE,
)
_BIRTH_WORDS: Final = re.compile(
    r"\b(?:born|birth|birthday|dob|d\.o\.b|geb|geboren|geburtsdatum|naissance|née?|nacid[oa]|nacimiento|nat[oa]|nascita|nascimento"
    r"|geboortedatum)\b",
    re.IGNORECASE,
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero", "feb february februar février febrero", "mar march märz mars marzo",
            "apr april avril abril",
            "may mai mayo", "jun june juni juin junio", "jul july juli juillet julio", "aug august août agosto",
            "sep sept september septembre septiembre", "oct october oktober octobre octubre", "nov november novembre noviembre",
            "dec december dezember décembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_DATE: Final = re.compile(
    r"(?P<y>(?:19|20)\d\d)[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?!\d)|(?P<a>\d{1,2})[-./](?P<b>\d{1,2})[-./](?P<z>(?:19|20)\d\d)(?!\d)"
    r"|(?P<day>\d{1,2})(?:st|nd|rd|th|\.)? (?:de |of )?(?P<word>[^\W\d_]{3,10})\.?,? (?:de )?(?P<year>(?:19|20)\d\d)(?!\d)"
    r"|(?P<name>[^\W\d_]{3,10})\.? (?P<on>\d{1,2})(?:st|nd|rd|th)?,? (?P<in>(?:19|20)\d\d)(?!\d)",
    re.IGNORECASE,
)
_CONTEXT_CHARS: Final = 32


def find_personal_data(text: str) -> list[Finding]:
    """Findings of the kinds in _FINDERS, none overlapping another, in order of place. Linear in the text."""
    folded = plain(text)
    return in_original(without_overlaps(one for finder in _FINDERS for one in finder(folded.text)), folded)


def _emails(text: str) -> Iterator[Finding]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if ".." not in match[0]:
                yield Finding(kind="email", start=match.start(), end=match.end())


def _ibans(text: str) -> Iterator[Finding]:
    for match in _IBAN.finditer(text):
        written = match[0]
        ends = [at for at in range(len(written), 14, -1) if at == len(written) or written[at] in " -"]
        for end in ends:  # words in capitals may follow
            bare = re.sub(r"[ -]", "", written[:end])
            is_written = bare.isupper() or _SMALL_IBAN.fullmatch(bare) is not None
            if is_written and is_iban(bare.upper()):
                yield Finding(kind="iban", start=match.start(), end=match.start() + end)
                break


def _passports(text: str) -> Iterator[Finding]:
    for match in _PASSPORT.finditer(text):
        if is_passport_line(match[1]):
            yield Finding(kind="passport", start=match.start(), end=match.end())


def _ssns(text: str) -> Iterator[Finding]:
    for match in _SSN.finditer(text):
        is_said = match[2] == "-" or _SSN_WORDS.search(text, max(0, match.start() - _CONTEXT_CHARS), match.start())
        if is_said and is_ssn(match[1], match[3], match[4]):
            yield Finding(kind="us_ssn", start=match.start(), end=match.end())


def _addresses(text: str) -> Iterator[Finding]:
    """Addresses that are routed on the Internet: those of a private network name nobody."""
    for pattern, kind, parse in (
        (_IPV4, "ipv4", ipaddress.IPv4Address),
        (_IPV6, "ipv6", ipaddress.IPv6Address),
    ):
        for match in pattern.finditer(text):
            written = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
            try:
                address = parse(written)
            except ValueError:
                continue
            before = text[max(0, match.start() - 12) : match.start()]
            if address.is_global and not (kind == "ipv4" and _VERSION_WORDS.search(before)):
                yield Finding(kind=kind, start=match.start(), end=match.start() + len(written))


def _macs(text: str) -> Iterator[Finding]:
    for match in _MAC.finditer(text):
        first, is_group = match[0][:2], int(match[0][1], 16) & 1
        if not is_group and set(re.sub(r"[:-]", "", match[0])) != set(first):
            yield Finding(kind="mac", start=match.start(), end=match.end())


def _births(text: str) -> Iterator[Finding]:
    for word in _BIRTH_WORDS.finditer(text):
        match = _DATE.search(text, word.end(), word.end() + 2 * _CONTEXT_CHARS)
        if match and "\n" not in text[word.end() : match.start()] and _is_date(match):
            yield Finding(kind="date_of_birth", start=match.start(), end=match.end())


def _is_date(match: re.Match[str]) -> bool:
    part = match.groupdict()
    if part["y"]:
        candidates = [(part["y"], part["m"], part["d"])]
    elif part["z"]:
        candidates = [(part["z"], part["b"], part["a"]), (part["z"], part["a"], part["b"])]
    else:
        month = _MONTHS.get((part["word"] or part["name"]).lower(), 0)
        candidates = [(part["year"] or part["in"], str(month), part["day"] or part["on"])]
    return any(_exists(*map(int, one)) for one in candidates)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _cards(text: str) -> Iterator[Finding]:
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if 13 <= len(digits) <= 19 and _CARD_GROUPS.fullmatch(match[0]) and is_card_number(digits):
            yield Finding(kind="credit_card", start=match.start(), end=match.end())


def _phones(text: str) -> Iterator[Finding]:
    for match in _DIGITS.finditer(text):
        written = match[0]
        if written.startswith(("+", "00", "(+")):
            is_phone = phone_numbers.is_international(written.lstrip("("))
        else:
            before = text[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
            is_phone = phone_numbers.is_north_american(written) or (
                phone_numbers.is_national(written) and _PHONE_WORDS.search(before) is not None
            )
        if is_phone:
            yield Finding(kind="phone", start=match.start(), end=match.end())


_FINDERS: Final[tuple[Callable[[str], Iterator[Finding]], ...]] = (
    _emails, _passports, _ibans, _cards, _ssns, _macs, _addresses, _births, _phones,
)  # fmt: skip
"""The stricter first: of overlapping findings the first stays."""
