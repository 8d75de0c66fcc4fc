"""The token stream that the parser reads."""

from collections.abc import Sequence
from dataclasses import replace

from ktrace.records import dataclass
from ktrace.script.language.lexer import Token
from ktrace.script.language.source import DOLLAR, ScriptError, Spot

DEPTH_MAX = 48  # nesting levels; Python's parser accepts a few more in the generated code

KEYWORDS = frozenset(
    (
        *("break", "catch", "continue", "delete", "else", "for", "foreach", "function", "global", "if", "in"),
        *("limit", "long", "next", "private", "probe", "return", "string", "try", "while"),
    )
)


@dataclass(slots=True)
class Stream:
    """Tokens with a current position; `depth` is the parser's nesting level."""

    items: Sequence[Token]
    at: int = 0
    depth: int = 0

    @property
    def here(self) -> Token:
        """Return the next token."""
        return self.items[self.at]

    @property
    def following(self) -> Token:
        """Return the token after the next one."""
        return self.items[min(self.at + 1, len(self.items) - 1)]

    def take(self) -> Token:
        """Return the next token and move past it. The `end` token is never passed."""
        token = self.items[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_op(self, *texts: str) -> bool:
        """Return whether the next token is one of these operators."""
        return self.here.kind == "op" and self.here.text in texts

    def is_word(self, *texts: str) -> bool:
        """Return whether the next token is one of these words."""
        return self.here.kind == "name" and self.here.text in texts

    def accept(self, *texts: str) -> Token | None:
        """Take one of these operators if it comes next."""
        return self.take() if self.is_op(*texts) else None

    def accept_word(self, *texts: str) -> Token | None:
        """Take one of these words if it comes next."""
        return self.take() if self.is_word(*texts) else None

    def expect(self, text: str, what: str) -> Token:
        """Take this operator. Raises ScriptError if it is missing."""
        if not self.is_op(text):
            raise self.wrong(f"'{text}' {what} is missing")
        return self.take()

    def name(self, what: str) -> Token:
        """Take a name that is not a keyword, `$word` or `@word`. Raises ScriptError otherwise."""
        token = self.here
        if token.kind != "name" or token.text[0] in "$@":
            raise self.wrong(f"{what} is missing")
        if token.text in KEYWORDS:
            raise ScriptError(f"'{token.text}' is a keyword and cannot be a name", token.at)
        token = self.take()
        return replace(token, text=token.text.replace("$", DOLLAR)) if "$" in token.text else token

    def wrong(self, problem: str, hint: str | None = None) -> ScriptError:
        """Return the error for an unexpected next token."""
        token = self.here
        shown = token.text if token.kind == "end" else f"'{_short(token)}'"
        return ScriptError(f"{problem}: found {shown}", token.at, hint=hint)

    def deeper(self, at: Spot) -> None:
        """Enter a nesting level. The caller leaves it with `depth -= 1`."""
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise ScriptError(f"this is nested deeper than {DEPTH_MAX} levels", at)


def _short(token: Token) -> str:
    text = f'"{token.text}"' if token.kind == "string" else token.text
    return text if len(text) <= 30 else text[:27] + "..."
