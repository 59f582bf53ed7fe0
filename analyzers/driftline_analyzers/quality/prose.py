"""What of a text is prose: sentences of its author, without code, quotes and links."""

import re
from typing import Final

_LEFT_OUT: Final = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]{1,500}`"  # code
    r"|<[/!]?[a-zA-Z][^<>\n]{0,500}>"  # markup
    r"|https?://[^\s<>()]{1,2000}|www\.[^\s<>()]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,255}"
    r'|"[^"\n]{1,2000}"|“[^“”\n]{1,2000}”|„[^„“”"\n]{1,2000}[“”"]|«[^«»\n]{1,2000}»|»[^«»\n]{1,2000}«|「[^「」\n]{1,2000}」|『[^『』\n]{1,2000}』'
    r"|^[ \t]*>[^\n]*$",  # a quoted line
    re.DOTALL | re.MULTILINE,
)
_CODE_LINE: Final = re.compile(  # a semicolon after a Greek letter is a question mark
    r"[{}]\s*$|[^\u0370-\u03ff\u1f00-\u1fff];\s*$|^\s*(?:def|class|import|from|return|function|const|let|var|public|private|#include|SELECT|INSERT|UPDATE|elif|else:)\b"
    r"|\w\(.*\)\s*[:;]?\s*$|\w\s*[=!<>+*/-]?=\s*\S|=>|->|^\s*</?\w|\\\w"
)


_MAX_CODE_LINE_CHARS: Final = 500


def prose_of(text: str) -> str:
    """The text with a space for each piece of code, markup, link, address and quote, and without lines that read as code."""
    kept = _LEFT_OUT.sub(" ", text)
    return "\n".join(
        line for line in kept.split("\n") if len(line) > _MAX_CODE_LINE_CHARS or not _CODE_LINE.search(line)
    )
