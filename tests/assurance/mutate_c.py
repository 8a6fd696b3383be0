"""Mutants of C source: operators, comparisons, constants, conditions, statements. A tokenizer, no parser: what does not
compile counts for nothing.

Never made, because they cannot change what a program does: `a < b ? a : b` and `if (a > b) a = b` with the boundary
moved (minimum and maximum), and 1 -> 2 (flags are true or false). `x > 0` etc. keep their boundary mutants.
"""

from __future__ import annotations

import re
from typing import Final

from tests.assurance.mutant import Mutant, named

FUNCTION: Final = re.compile(
    r"^(?P<head>(?:static )?(?:inline )?(?:const |enum )?[a-z]\w* \*?)"
    r"(?P<name>[a-z]\w*)\((?P<parameters>[^;{}]*)\)\s*\{"
    r"(?:[^\n]*\}$|.*?^\}$)",
    re.MULTILINE | re.DOTALL,
)
"""A function definition in the house's layout: it begins and ends in the first column."""
TOKEN: Final = re.compile(
    r"(?P<comment>/\*.*?\*/)|(?P<directive>^[ \t]*#[ \t]*(?!define)\w+[^\n]*)|(?P<guard>^#define \w+_H$)"
    r"|(?P<define>^#define[ \t]+\w+)|(?P<number>\b(?:0[xX][0-9a-fA-F]+|\d+)[uU]?\b)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<op><<=|>>=|->|\+\+|--|&&|\|\||<<|>>|<=|>=|==|!=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%&|^~!<>=?:;,.(){}\[\]])",
    re.DOTALL | re.MULTILINE,
)
SWAPS: Final[dict[str, tuple[str, ...]]] = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("*",), "<<": (">>",), ">>": ("<<",),
    "&": ("|",), "|": ("&",), "^": ("&",), "&&": ("||",), "||": ("&&",), "+=": ("-=",), "-=": ("+=",),
    "|=": ("&=", "="), "&=": ("|=", "="), "^=": ("|=",), "++": ("--",), "--": ("++",), "~": ("",), "!": ("",),
}  # fmt: skip
PLAIN: Final = ("<", "<=", ">", ">=")
OPERAND: Final = r"[\w.>\[\]-]+"
EXTREME: Final = re.compile(
    rf"\(?(?P<a>-?{OPERAND}) (?:<|>|<=|>=) (?P<b>-?{OPERAND})\)?"
    r"(?: \? (?:(?P=a) : (?P=b)|(?P=b) : (?P=a))|\s+(?:(?P=a) = (?P=b)|(?P=b) = (?P=a));)"
)
TYPE: Final = re.compile(
    r"^(?:u?int\d*(?:_t)?|char|void|unsigned|enum|struct|static|const|utorque|exo_\w+|gov_\w+|e2e_\w+)$"
)
CONSTANT: Final = re.compile(r"^(?:EXO|GOV|E2E|UTORQUE|UINT|ALL)_[A-Z0-9_]+$")


class _Token:
    def __init__(self, match: re.Match[str]) -> None:
        self.kind, self.text = str(match.lastgroup), match.group()
        self.start, self.end = match.span()


def mutants_of_c(path: str, source: str) -> list[Mutant]:
    """Every mutant of one C file."""
    tokens = [_Token(m) for m in TOKEN.finditer(source)]
    tokens = [t for t in tokens if t.kind not in ("comment", "directive", "guard")]
    tokens = [t for t in tokens if any(a <= t.start < b for a, b in _places(source)) and t.kind != "define"]
    extremes = [m.span() for m in EXTREME.finditer(source)]
    changes: list[tuple[int, int, str]] = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        changes += _of_token(before, token, after, extremes)
    changes += _statements(source, tokens) + _conditions(source, tokens)
    return named(path, source, changes)


def _places(source: str) -> list[tuple[int, int]]:
    """What does something: values of #define, and bodies of functions."""
    values = [m.span() for m in re.finditer(r"^#define \w+ [^\n]*", source, re.MULTILINE)]
    return values + [(m.end("parameters"), m.end()) for m in FUNCTION.finditer(source)]


def _of_token(
    before: _Token | None, token: _Token, after: _Token | None, extremes: list[tuple[int, int]]
) -> list[tuple[int, int, str]]:
    if token.kind == "number":
        return [(token.start, token.end, text) for text in _near(token.text)]
    alone = before is not None and after is not None and (before.text, after.text) == ("[", "]")
    if token.kind == "word" and CONSTANT.match(token.text) and not alone:  # alone it is an array's size
        texts = [f"({token.text} {sign} 1)" for sign in "+-"]
        return [(token.start, token.end, text) for text in texts]
    if token.kind != "op" or token.text not in SWAPS or _is_type(before, token, after):
        return []
    swaps = SWAPS[token.text]
    if token.text in PLAIN and any(a <= token.start < b for a, b in extremes):
        swaps = swaps[1:]
    return [(token.start, token.end, text) for text in swaps]


def _near(text: str) -> list[str]:
    """The numbers beside this one; 0 and 1 stand for each other."""
    digits = text.rstrip("uU")
    value, suffix = int(digits, 0), text[len(digits) :]
    near = [1 - value] if value in (0, 1) else [value - 1, value + 1]
    return [f"{number}{suffix}" for number in near]


def _is_type(before: _Token | None, token: _Token, after: _Token | None) -> bool:
    """A `*`, `&` or sign that belongs to a declaration or to one operand."""
    if token.text not in ("*", "&", "-", "+"):
        return False
    operand = before is not None and (before.kind in ("word", "number") or before.text in (")", "]"))
    if not operand or before is None:
        return token.text in ("*", "&")  # unary minus stays a candidate: -x -> +x
    named_type = bool(TYPE.match(before.text)) or (after is not None and after.text in (")", "*"))
    return token.text == "*" and named_type


def _statements(source: str, tokens: list[_Token]) -> list[tuple[int, int, str]]:
    """Each statement that is no declaration and returns no value, replaced by none."""
    changes, begin, depth = [], 0, 0
    for index, token in enumerate(tokens):
        if token.text in ("{", "}") or (token.text == ":" and tokens[begin].text in ("case", "default")):
            begin, depth = index + 1, 0
        elif token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1
            if depth == 0 and tokens[begin].text in ("if", "for", "while", "switch"):
                begin = index + 1
        elif token.text == "else":
            begin = index + 1
        elif token.text == ";" and depth == 0:
            if _removable(tokens[begin : index + 1]):
                changes.append((tokens[begin].start, token.end, ";"))
            begin = index + 1
    return changes


def _removable(statement: list[_Token]) -> bool:
    if len(statement) < 2 or statement[0].kind == "define":
        return False
    if statement[0].text == "return":
        return len(statement) == 2
    is_declaration = statement[0].kind == "word" and (
        TYPE.match(statement[0].text) or statement[1].kind == "word" or statement[0].text in ("setpoint", "typedef")
    )
    return not is_declaration


def _conditions(source: str, tokens: list[_Token]) -> list[tuple[int, int, str]]:
    """Each condition of an if, negated; `if (!x)` loses its `!` already."""
    changes = []
    for index, token in enumerate(tokens[:-1]):
        if token.text != "if":
            continue
        depth, last = 0, index + 1
        for last in range(index + 1, len(tokens)):
            depth += {"(": 1, ")": -1}.get(tokens[last].text, 0)
            if depth == 0:
                break
        start, end = tokens[index + 1].start, tokens[last].end
        words = source[start:end]
        if not re.fullmatch(r"\(!?[\w>.-]+\)|\([^()&|]* (?:<|>|<=|>=|==|!=) [^()&|]*\)", words) or " " not in words:
            changes.append((start, end, f"(!{words})"))
    return changes
