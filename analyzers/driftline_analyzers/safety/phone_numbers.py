"""Could a run of digits be a telephone number?"""

import re
from typing import Final

_CODE_TABLE: Final = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
    "64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 "
    "233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 "
    "266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383 "
    "385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 "
    "676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 "
    "961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998 "
)
_CODES: Final = frozenset(_CODE_TABLE.split())
"""Country calling codes (ITU-T E.164 list)."""
_NATIONAL_DIGITS: Final = {
    "1": (10, 10),
    "7": (10, 10),
    "33": (9, 9),
    "34": (9, 9),
    "44": (9, 10),
    "61": (9, 9),
    "81": (9, 10),
    "86": (10, 11),
}
"""Code -> least and most digits after it, where they are fixed; elsewhere 6 to 12, and 8 to 15 with the code."""
_NANP: Final = re.compile(r"(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}")
_DATE: Final = re.compile(r"(?:\d{4}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2})[-./](?:\d{4}|\d{1,2})")


def is_international(written: str) -> bool:
    """'+49 30 901820' or '0049...': a calling code that exists, and as many digits as its numbers have."""
    digits = re.sub(r"\D", "", written.replace("(0)", ""))
    digits = digits[2:] if written.startswith("00") else digits
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return False
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in _CODES), None)
    if code is None:
        return False
    least, most = _NATIONAL_DIGITS.get(code, (6, 12))
    national = digits[len(code) :].removeprefix("0" if code not in {"39"} and "(0)" not in written else "")
    if code == "1" and (national[:1] < "2" or national[3:4] < "2"):
        return False
    return least <= len(national) <= most


def is_north_american(written: str) -> bool:
    """'(415) 555-2671' with separators in the places they have there."""
    return _NANP.fullmatch(written) is not None and re.sub(r"\D", "", written)[-10:][1:3] != "11"


def is_national(written: str) -> bool:
    """7 to 12 digits that are no date: enough where the words before them say that they are a telephone number."""
    digits = re.sub(r"\D", "", written)
    return 7 <= len(digits) <= 12 and len(set(digits)) > 2 and _DATE.fullmatch(written) is None
