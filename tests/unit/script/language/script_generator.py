"""Random scripts: valid ones, made from the grammar with the types in mind, and invalid ones by one mistake.

The same seed makes the same scripts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

_NUMBERS = ("0", "1", "-1", "7", "0x1f", "017", "9223372036854775807", "-9223372036854775808")
_TEXTS = ('""', '"x"', '"a b"', '"\\x41\\n"', '"100%"', '"a" "b"')
_ARITHMETIC = ("+", "-", "*", "&", "|", "^", "<<", ">>", "&&", "||")
_COMPARED = ("<", "<=", "==", "!=", ">=", ">")
_POINTS = (
    "begin",
    "begin(3)",
    "end",
    "end(-1)",
    "error",
    "never",
    "timer.s(1)",
    "timer.ms(100).randomize(5)",
)
_POINTS += ("timer.hz(10)", "beg*", 'kernel.function("f")', 'kernel.function("f").return')
_POINTS += (
    'kernel.trace("f") ?',
    'kernel.function("no") !',
    "never, begin",
    "oneshot",
    "begin if (count > 1)",
)
_POINTS_ALONE = tuple(p for p in _POINTS if not p.endswith(("?", "!")))


@dataclass
class Generator:
    """Makes valid scripts.

    Attributes:
        depth: how deep expressions and blocks may be.
        loops: arrays that are gone over, which may not be changed.
    """

    random: Random
    depth: int = 3
    loops: list[str] = field(default_factory=list)

    def script(self) -> str:
        """Return a script."""
        parts = [
            'global count, total = 5, name = "n"',
            "global sizes[20], names%, stat, stats",
            "function twice:long(n:long) { return n * 2 }",
            'function join(a, b) { if (strlen(a) > 9) return ""; return a . b }',
            'probe never { stat <<< 1; sizes[1, "x"] = 1; names["x"] = name; stats[1] <<< count; total = 1 }',
            "@define seven(x) %( (7 + @x) %)",
        ]
        self.random.shuffle(parts)
        for _ in range(self.random.randint(1, 4)):
            parts.append(self.probe())
        if self.random.random() < 0.3:
            parts.append(f"probe own.alias = begin, end {{ {self.statement(1)} }} probe own.alias {{ }}")
        if self.random.random() < 0.3:
            parts.append(f'%( arch == "x86_64" && $# >= 0 %? {self.probe()} %: not even words %)')
        return self.spaced(parts)

    def spaced(self, parts: Sequence[str]) -> str:
        """Join definitions by white space and comments."""
        between = ("\n", " ", "\n# a comment\n", " /* and another */ ", "\n// one more\n", ";\n")
        return "".join(part + self.random.choice(between) for part in parts)

    def probe(self) -> str:
        """Return a probe."""
        points = [self.random.choice(_POINTS_ALONE)]
        if self.random.random() < 0.3:
            points.insert(0, self.random.choice(_POINTS))
        body = " ".join(self.statement(self.depth) for _ in range(self.random.randint(0, 3)))
        return f"probe {', '.join(points)} {{ {body} }}"

    def one(self, *ways: Callable[[], str]) -> str:
        """Return what one of these makes."""
        return self.random.choice(ways)()

    def number(self, depth: int) -> str:
        """Return an expression with a number."""
        r = self.random
        if depth <= 0:
            return self.one(
                lambda: r.choice(_NUMBERS), lambda: r.choice(("count", "total", "pid()", "tid()"))
            )
        n, t = (lambda: self.number(depth - 1)), (lambda: self.text(depth - 1))
        return self.one(
            lambda: f"({n()} {r.choice(_ARITHMETIC)} {n()})",
            lambda: f"({n()} {r.choice(_COMPARED)} {n()})",
            lambda: f"({t()} {r.choice(_COMPARED)} {t()})",
            lambda: f'({t()} {r.choice(("=~", "!~"))} "a*[b-d]$")',
            lambda: f"({r.choice('-!~')}{n()})",
            lambda: f"({n()} ? {n()} : {n()})",
            lambda: f"sizes[{n()}, {t()}]",
            lambda: f"([{n()}, {t()}] in sizes)",
            lambda: "([*, *] in sizes)",
            lambda: f"({t()} in names)",
            lambda: f"twice({n()})",
            lambda: f"@seven({n()})",
            lambda: f"strlen({t()})",
            lambda: f"strtol({t()}, 10)",
            lambda: f"@{r.choice(('count', 'sum'))}(stats[{n()}])",
            lambda: f"({r.choice(('count', 'total'))}{r.choice(('++', '--'))})",
            lambda: f"(total {r.choice(('=', '+=', '-=', '*=', '<<=', '|='))} {n()})",
        )

    def text(self, depth: int) -> str:
        """Return an expression with text."""
        r = self.random
        if depth <= 0:
            return self.one(lambda: r.choice(_TEXTS), lambda: r.choice(("name", "execname()", "pp()")))
        n, t = (lambda: self.number(depth - 1)), (lambda: self.text(depth - 1))
        return self.one(
            lambda: f"({t()} . {t()})",
            lambda: f"({n()} ? {t()} : {t()})",
            lambda: f"names[{t()}]",
            lambda: f"join({t()}, {t()})",
            lambda: f'sprintf("%d %s%%", {n()}, {t()})',
            lambda: f"sprint({n()}, {t()})",
            lambda: f"substr({t()}, 0, {n()})",
        )

    def statement(self, depth: int) -> str:
        """Return a statement."""
        r, low = self.random, depth - 1
        simple = (
            lambda: f"println({self.number(low)});",
            lambda: f'printf("%-5d|%s|%#x\\n", {self.number(low)}, {self.text(low)}, {self.number(low)})',
            lambda: f"count = {self.number(low)};",
            lambda: f"name .= {self.text(low)}",
            lambda: f"local = {self.number(low)}; print(local)",
            lambda: self.change(low),
            lambda: f"stat <<< {self.number(low)};",
            lambda: "next;",
            lambda: ";",
        )
        if depth <= 0:
            return self.one(*simple)
        return self.one(
            *simple,
            lambda: f"if ({self.number(low)}) {{ {self.statement(low)} }} else {{ {self.statement(low)} }}",
            lambda: (
                f"for (i = 0; i < 3; i++) {{ {self.statement(low)} if (i) {r.choice(('break', 'continue'))} }}"
            ),
            lambda: f"while (count++ < 5) {{ {self.statement(low)} }}",
            lambda: f"try {{ {self.statement(low)} }} catch (message) {{ println(message) }}",
            lambda: self.loop(low),
        )

    def change(self, depth: int) -> str:
        """Return a statement that changes an array, unless it is gone over."""
        ways = {
            "sizes": lambda: f"sizes[{self.number(depth)}, {self.text(depth)}]++;",
            "names": lambda: f"delete names[{self.text(depth)}];",
            "stats": lambda: f"stats[{self.number(depth)}] <<< {self.number(depth)};",
        }
        return self.one(
            *(way for name, way in ways.items() if name not in self.loops), lambda: "delete count;"
        )

    def loop(self, depth: int) -> str:
        """Return a loop over an array."""
        heads = {
            "sizes": "foreach (v = [k, t+] in sizes limit 3)",
            "names": "foreach (t in names-)",
            "stats": "foreach (k in stats @sum-)",
        }
        name = self.random.choice(sorted(heads))
        self.loops.append(name)
        text = f"{heads[name]} {{ {self.statement(depth)} }}"
        self.loops.pop()
        return text


def valid(seed: int) -> str:
    """Return a valid script."""
    return Generator(Random(seed)).script()


_BROKEN_STATEMENTS = (
    *("1 = 2;", "count = ;", 'count = "text";', "name = 5;", "no_such_function(1);", "twice(1, 2);", "else;"),
    *("println(1;", 'printf("%d", "text");', 'printf("%d %d", 1);', "break;", "return 1;", "delete 5;"),
    *("missing[1] = 2;", "sizes[1] = 2;", "count[1]++;", "total <<< 1;", "stat = 1;", "local <<< 2;"),
    *('x = 1; x = "a";', "foreach (k in count) ;", "foreach (t in names) delete names[t];", "global x;"),
    *(
        'if ("text") ;',
        "try { }",
        "@count(total);",
        "@no_such_macro(1);",
        "println(12abc);",
        "do { } while (1);",
    ),
    *(
        "println(09);",
        '"a" - 1;',
        "name++;",
        "(1 + );",
        '"unfinished;\n',
        "%{ C %}",
        "$x = 1;",
        "for (;;) if;",
    ),
    *(
        '"a" =~ name;',
        '"a" =~ "[";',
        "names[*];",
        "@hist_linear(stat, 5, 1, 1);",
        "println(stat);",
        "/* open",
    ),
)
_BROKEN_DEFINITIONS = (
    *("global count", "global x[10] = 42", "global if", "global y = 1 + 2", "global z[0]", "global w[-1]"),
    *(
        "probe { }",
        "probe begin",
        "probe begin, { }",
        "probe beginn { }",
        "probe timer.s { }",
        "probe timer.s(0) { }",
    ),
    *('probe begin("x") { }', "probe timer.fortnight(1) { }", 'probe kernel.function("f").reutrn { }', "{ }"),
    *(
        "function f(a, a) { }",
        "function (a) { }",
        "function g:string() { return 1 } probe begin { g() }",
        "%( 1 == 0 %?",
    ),
    *(
        "probe begin if (missing) { }",
        "probe begin if (count = 1) { }",
        "@define a %( 1 %) @define a %( 2 %)",
        "%)",
    ),
    *(
        'probe kernel.function("no") { }',
        "probe own.nothing { }",
        "probe begin { println($9) }",
        "end { }",
        "%( 1 %? %)",
    ),
)


def invalid(seed: int) -> str:
    """Return a valid script with one mistake in it."""
    random = Random(seed)
    made = Generator(random)
    if random.random() < 0.6:
        broken = f"probe begin {{ {made.statement(1)} {random.choice(_BROKEN_STATEMENTS)} }}"
    else:
        broken = random.choice(_BROKEN_DEFINITIONS)
    parts = [made.script(), broken]
    return "\n".join(parts)
