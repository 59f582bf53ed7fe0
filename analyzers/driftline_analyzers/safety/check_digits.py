"""Do the check digits of a number fit? Each takes the bare characters, without separators."""

from typing import Final

_IBAN_TABLE: Final = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18 DO:28 "
    "EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 "
    "IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 "
    "NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 "
    "SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30 "
)
_IBAN_LENGTHS: Final = dict(part.split(":") for part in _IBAN_TABLE.split())
"""Letters of the country -> length of its IBAN (SWIFT registry)."""
_MRZ_WEIGHTS: Final = (7, 3, 1)
_MRZ_CHECKED: Final = (((0, 9), 9), ((13, 19), 19), ((21, 27), 27))
"""((start, end), check digit) of number, birth and expiry in the second line of a passport."""


def is_luhn(digits: str) -> bool:
    """ISO/IEC 7812: doubled every second digit from the right, the sum is a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card_number(digits: str) -> bool:
    """A length and a prefix that a card network issues, and Luhn's digit."""
    two, three, four = int(digits[:2]), int(digits[:3]), int(digits[:4])
    n = len(digits)
    is_issued = (
        (n in {13, 16, 19} and digits[0] == "4")  # Visa
        or (n == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))  # Mastercard
        or (n == 15 and two in {34, 37})  # American Express
        or (n in {16, 19} and (four == 6011 or 644 <= three <= 649 or two == 65))  # Discover
        or (n in {16, 19} and 3528 <= four <= 3589)  # JCB
        or (n == 14 and (300 <= three <= 305 or two in {36, 38, 39}))  # Diners Club
        or (16 <= n <= 19 and two == 62)  # UnionPay
    )
    return is_issued and len(set(digits)) > 1 and is_luhn(digits)


def is_iban(text: str) -> bool:
    """ISO 13616: its country's length, and the number is 1 modulo 97."""
    if _IBAN_LENGTHS.get(text[:2]) != str(len(text)):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_ssn(area: str, group: str, serial: str) -> bool:
    """A US social security number that can have been issued: no zero part, no area 666 or 9xx, none of the two voided by advertisement."""
    if area in {"000", "666"} or area >= "900" or group == "00" or serial == "0000":
        return False
    return (area, group, serial) not in {("078", "05", "1120"), ("219", "09", "9999")}


def is_passport_line(line: str) -> bool:
    """The second line of a passport's machine-readable zone (44 characters), by its three check digits (ICAO 9303)."""
    return all(
        line[at].isdigit()
        and sum((0 if char == "<" else int(char, 36)) * _MRZ_WEIGHTS[i % 3] for i, char in enumerate(line[start:end]))
        % 10
        == int(line[at])
        for (start, end), at in _MRZ_CHECKED
    )
