import json

from ktrace.model.ctype import Int
from ktrace.model.debuginfo import (
    Absent,
    AtSymbol,
    CodeLine,
    Constant,
    FileLines,
    FunctionLines,
    InMemory,
    InRegister,
    Spot,
    Variable,
    Variables,
)
from ktrace.model.fetch import FetchArg
from ktrace.model.place import SymbolPlace
from ktrace.output.views.lines import lines_record, lines_text
from ktrace.output.views.vars import parameters_record, parameters_text, variables_record, variables_text
from tests.unit.output.schema import SCHEMA, fits

ENTRY = Spot(SymbolPlace("f"), 0x1000)
LATER = Spot(SymbolPlace("f", 8), 0x1008)
FOUND = FunctionLines("f", ENTRY, "a/f.c", "/b", 10, (CodeLine(10, (ENTRY,)), CodeLine(12, (LATER,) * 4)))


def test_lines_with_their_places() -> None:
    assert lines_text(FOUND, None, 10, 12) == "f  a/f.c:10\n      0 * f\n      2 * f+8 f+8 f+8 and 1 more\n"


def test_lines_with_their_text() -> None:
    source = ["x"] * 9 + ["int f()", "{", "\treturn \x1b[31m1;"]
    text = lines_text(FOUND, source, 10, 13)
    assert text == "f  a/f.c:10\n      0 * int f()\n      1   {\n      2 *         return \\x1b[31m1;\n"


def test_lines_of_a_file_have_its_numbers() -> None:
    found = FileLines("a/f.c", "/b", FOUND.lines)
    assert lines_text(found, None, 11, 20) == "a/f.c\n     12 * f+8 f+8 f+8 and 1 more\n"
    record = lines_record(found, None, 11, 20)
    assert record["function"] is None and fits(json.loads(json.dumps(record)), SCHEMA)
    assert [line["line"] for line in json.loads(json.dumps(record))["lines"]] == [12]


def test_lines_record() -> None:
    record = json.loads(json.dumps(lines_record(FOUND, ["x"] * 12, 10, 12)))
    assert fits(record, SCHEMA)
    assert (record["type"], record["place"], record["declared"]) == ("lines", "f", 10)
    assert record["lines"][1]["n"] == 2
    assert record["lines"][1]["text"] == "x"
    assert record["lines"][1]["places"][0] == {
        "place": "f+8", "symbol": "f", "offset": 8, "module": None, "nth": 1, "copies": 1,
    }  # fmt: skip


def variable(name: str, location: object, function: str = "f") -> Variable:
    fetch = FetchArg("%di", name, "s32") if isinstance(location, InRegister) else None
    return Variable(name, Int("int", 4, True), location, fetch, True, function, 1)  # type: ignore[arg-type]


def test_variables() -> None:
    found = Variables(
        LATER, "f", "a/f.c", 12,
        (variable("i", InRegister("di"), "inner"), variable("m", InMemory("sp", (8, -4))),
         variable("s", AtSymbol("jiffies", 4)), variable("c", Constant(5)),
         variable("o", Absent("optimized out"))),
    )  # fmt: skip
    assert variables_text(found) == (
        "f+8  f  a/f.c:12\n"
        "  VARIABLE (inlined inner)  WHERE  READ IT WITH\n"
        "  int i                     %di    i=%di:s32\n"
        "  VARIABLE  WHERE            READ IT WITH\n"
        "  int m     -4(+8(%sp))\n"
        "  int s     @jiffies+4\n"
        "  int c     constant 5\n"
        "  int o     (optimized out)\n"
    )
    record = json.loads(json.dumps(variables_record(found)))
    assert fits(record, SCHEMA)
    assert [v["where"] for v in record["variables"]] == [
        "%di",
        "-4(+8(%sp))",
        "@jiffies+4",
        "constant 5",
        None,
    ]
    assert record["variables"][4]["why"] == "optimized out"
    assert variables_text(Variables(LATER, "f", "a.c", 1, ())).endswith("no parameters, no variables\n")


def test_parameters_by_btf() -> None:
    record = json.loads(json.dumps(parameters_record("f", [("n", "int", "%di")])))
    assert fits(record, SCHEMA) and record["variables"][0]["where"] == "%di"
    assert (
        parameters_text("int f(int n)", [("int n", "%di")])
        == "int f(int n)\n  VARIABLE  WHERE\n  int n     %di\n"
    )
    assert parameters_text("int f(void)", []) == "int f(void)\n  no parameters\n"
