"""The SQL that reads a conversation in JSON, whoever wrote it: OTel's parts, OpenAI's chat and responses, Anthropic's content blocks,
LangChain's constructors, Gemini's contents, Bedrock's and Haystack's blocks, and events with a message each.

One text goes through three steps, each a column of sql/generations.sql: `unwrapped` finds the array of messages in an object, `BODY`
and `PART` are all the members that any of the shapes has (JSONExtract fills those that are there), `message` says what they mean.
"""

from collections.abc import Sequence
from typing import Final

from driftline_collector.sql_text import first_of

CALLS: Final = "Array(Tuple(id String, name String, arguments String))"
MESSAGES: Final = f"Array(Tuple(role String, content String, tool_calls {CALLS}, tool_call_id String))"

_FUNCTION: Final = "Tuple(id String, name String, args String, arguments String, response String)"
_PART: Final = (
    "Tuple(type String, content String, text String, id String, name String, arguments String, args String, input String, "
    "response String, result String, output String, tool_call_id String, tool_use_id String, toolCallId String, toolName String, "
    f"function_call {_FUNCTION}, function_response {_FUNCTION}, "
    "toolUse Tuple(toolUseId String, name String, input String), toolResult Tuple(toolUseId String, content String), "
    "tool_call Tuple(id String, tool_name String, arguments String), "
    "tool_call_result Tuple(result String, origin Tuple(id String)))"
)
PARTS: Final = f"Array({_PART})"
_CALL: Final = (
    "Tuple(id String, name String, arguments String, args String, function Tuple(name String, arguments String))"
)
_BODY: Final = (
    "role String, type String, content String, text String, id String, call_id String, name String, arguments String, args String, "
    f"input String, output String, tool_call_id String, toolCallId String, toolName String, tool_calls Array({_CALL}), parts {PARTS}"
)
_MESSAGE: Final = f"{_BODY}, finish_reason String, default_role String, `event.name` String"
PARSED: Final = f"Array(Tuple({_MESSAGE}))"
"""What a text is parsed as: an array of messages with every member that any shape has."""

NESTED: Final = f"Array(Tuple({_MESSAGE}, kwargs Tuple({_BODY}), message Tuple({_BODY})))"
"""PARSED where a message may stand inside another object."""

WRAPPED: Final = (
    "Tuple(role String, messages String, contents String, choices Array(Tuple(message String, finish_reason String)), replies String, "
    "generations Array(Array(Tuple(message String, text String))), output String, input String, content String, parts String, "
    "message String, prompt String, prompts String, text String, tool_calls String, candidates Array(Tuple(content String)))"
)
"""What an object is parsed as, to find the messages in it."""

NULLABLE: Final = (
    r'"(?:function_call|function_response|toolUse|toolResult|tool_call|tool_call_result|message|kwargs|function|origin)"'
    r"\s*:\s*null"
)
"""Members of PARSED that are objects, where they are null."""

ROLES: Final = {
    "human": "user",
    "ai": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "function": "tool",
}


def unwrapped(text: str, wrapped: str) -> str:
    """SQL of the array of messages in `text`, of which `wrapped` is the WRAPPED reading; `text` itself when there is none."""
    o = wrapped
    return (
        f"multiIf(NOT startsWith({text}, '{{'), {text}, "
        f"startsWith(({o}).messages, '['), ({o}).messages, "
        f"startsWith(({o}).contents, '['), ({o}).contents, "
        f"notEmpty(({o}).choices), concat('[', arrayStringConcat(({o}).choices.message, ','), ']'), "
        f"notEmpty(({o}).generations), if(({o}).generations[1][1].message != '', "
        f"concat('[', arrayStringConcat(arrayMap(g -> (g).message, ({o}).generations[1]), ','), ']'), ({o}).generations[1][1].text), "
        f"({o}).replies NOT IN ('', '[]'), ({o}).replies, "
        f"notEmpty(({o}).candidates), concat('[', arrayStringConcat(({o}).candidates.content, ','), ']'), "
        f"({o}).role != '' OR ({o}).parts != '', concat('[', {text}, ']'), "
        f"startsWith(({o}).content, '{{'), concat('[', ({o}).content, ']'), "
        f"startsWith(({o}).message, '{{'), concat('[', ({o}).message, ']'), "
        f"({o}).output NOT IN ('', '[]'), ({o}).output, "
        f"({o}).input NOT IN ('', '[]'), ({o}).input, "
        f"({o}).prompt != '', ({o}).prompt, startsWith(({o}).prompts, '['), ({o}).prompts, "
        f"({o}).content != '' OR ({o}).text != '' OR ({o}).tool_calls NOT IN ('', '[]', 'null'), concat('[', {text}, ']'), {text})"
    )


def bodies(messages: str, *, is_nested: bool) -> str:
    """SQL of Array(Tuple(body, default role, event)): of each message, parsed as PARSED or NESTED, the part that says something."""
    own = f"({', '.join(f'(m).{name}' for name in _members())})::Tuple({_BODY})"
    if not is_nested:
        return f"arrayMap(m -> ({own}, (m).default_role, (m).`event.name`), {messages})"
    said = "(b).content != '' OR (b).text != '' OR notEmpty((b).parts) OR notEmpty((b).tool_calls)"
    body = (
        f"if((m).kwargs.content = '' AND empty((m).kwargs.tool_calls) AND (m).message.content = '' AND empty((m).message.tool_calls) "
        f"AND empty((m).message.parts), {own}, arrayFirst(b -> {said}, [(m).kwargs, (m).message]))"
    )
    return f"arrayMap(m -> ({body}, (m).default_role, (m).`event.name`), {messages})"


def content() -> str:
    """SQL of the text of message `m`: (body, role, parts, event)."""
    text = "if((p).type IN ('text', 'input_text', 'output_text', ''), if((p).content != '', (p).content, (p).text), '')"
    members = (
        "type text content function_call.name function_response.name toolUse.name toolResult.toolUseId tool_call.tool_name "
        "tool_call_result.result"
    )
    is_known = " OR ".join(f"(p).{member} != ''" for member in members.split())
    return (
        f"multiIf((m).1.type = 'function_call_output', (m).1.output, arrayExists(p -> {is_known}, (m).3), "
        f"arrayStringConcat(arrayFilter(t -> t != '', arrayMap(p -> {text}, (m).3)), '\\n'), "
        "(m).1.content != '', (m).1.content, (m).1.text)"
    )


def calls() -> str:
    """SQL of the tool calls in message `m`, Array(Tuple(id, name, arguments))."""
    is_call = (
        "(p).type IN ('tool_call', 'tool-call', 'tool_use', 'function_call') OR (p).function_call.name != '' OR (p).toolUse.name != '' "
        "OR (p).tool_call.tool_name != ''"
    )
    name = first_of(
        ["(p).name", "(p).toolName", "(p).function_call.name", "(p).toolUse.name", "(p).tool_call.tool_name"]
    )
    of_part = _tuple(
        ["(p).id", "(p).toolCallId", "(p).function_call.id", "(p).toolUse.toolUseId", "(p).tool_call.id"],
        name,
        [
            "(p).arguments",
            "(p).args",
            "(p).input",
            "(p).function_call.args",
            "(p).function_call.arguments",
            "(p).toolUse.input",
            "(p).tool_call.arguments",
        ],
    )
    of_call = _tuple(
        ["(t).id"], first_of(["(t).name", "(t).function.name"]), ["(t).arguments", "(t).args", "(t).function.arguments"]
    )
    own = _tuple(
        ["(m).1.call_id", "(m).1.toolCallId", "(m).1.id"],
        first_of(["(m).1.name", "(m).1.toolName"]),
        ["(m).1.arguments", "(m).1.args", "(m).1.input"],
    )
    return (
        f"arrayConcat(arrayMap(p -> {of_part}, arrayFilter(p -> {is_call}, (m).3)), arrayMap(t -> {of_call}, (m).1.tool_calls), "
        f"if((m).1.type IN ('function_call', 'tool-call') OR (m).1.toolName != '', [{own}], []))"
    )


def answers() -> str:
    """SQL of what tools answered in message `m`, Array(Tuple(id of the call, text))."""
    is_answer = (
        "(p).type IN ('tool_call_response', 'tool-result', 'tool_result') OR (p).function_response.name != '' "
        "OR (p).toolResult.toolUseId != '' OR (p).tool_call_result.result != ''"
    )
    name = first_of(
        ["(p).id", "(p).tool_call_id", "(p).tool_use_id", "(p).toolCallId", "(p).function_response.id", "(p).toolResult.toolUseId",
         "(p).tool_call_result.origin.id"]
    )  # fmt: skip
    text = first_of(
        ["(p).response", "(p).result", "(p).output", "(p).content", "(p).function_response.response", "(p).toolResult.content",
         "(p).tool_call_result.result"]
    )  # fmt: skip
    return f"arrayMap(p -> ({name}, {plain(text)}), arrayFilter(p -> {is_answer}, (m).3))"


def blocks(text: str) -> str:
    """SQL of the text in a JSON list of text blocks, as some SDKs put it into one indexed key, or of `text` as it is."""
    return f"if(startsWith({text}, '[{{\"') AND {_joined(text)} != '', {_joined(text)}, {text})"


def strings(text: str) -> str:
    """SQL of the texts in a JSON list of strings, a line each, or of `text` as it is."""
    joined = f"arrayStringConcat(JSONExtract({text}, 'Array(String)'), '\\n')"
    return f"if(startsWith({text}, '[\"') AND {joined} != '', {joined}, {text})"


def plain(text: str) -> str:
    """SQL of a tool's answer as text: out of a JSON string, a list of text blocks, an object with a member of the usual names, or the
    representation of LangChain's message in Python."""
    members = [f"JSONExtractString({text}, '{name}')" for name in ("value", "result", "content")]
    return (
        f"multiIf(startsWith({text}, '\"'), JSONExtractString({text}), "
        f"startsWith({text}, '[{{') AND {_joined(text)} != '', {_joined(text)}, "
        f"startsWith({text}, '{{'), {first_of([*members, text])}, "
        f"startsWith({text}, 'content=\\'') AND position({text}, '\\' name=') > 0, "
        f"extract({text}, '^content=\\'(.*?)\\' name='), {text})"
    )


def _joined(text: str) -> str:
    """SQL of the texts of a JSON list of blocks, a line each."""
    listed = f"JSONExtract({text}, 'Array(Tuple(text String, content String))')"
    texts = f"arrayMap(p -> if((p).text != '', (p).text, (p).content), {listed})"
    return f"arrayStringConcat(arrayFilter(t -> t != '', {texts}), '\\n')"


def _tuple(ids: Sequence[str], name: str, arguments: Sequence[str]) -> str:
    return f"({first_of(ids)}, {name}, {first_of(arguments)})"


def _members() -> list[str]:
    depth = 0
    members = [""]
    for character in _BODY:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            members.append("")
        else:
            members[-1] += character
    return [member.split()[0] for member in members]
