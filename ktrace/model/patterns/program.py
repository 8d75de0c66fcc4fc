"""A pattern's tree as a program: Thompson's construction, with a limit to its size."""

from dataclasses import field
from typing import TypeAlias

from ktrace.model.patterns.syntax import Edge, Either, Group, Node, One, PatternError, Repeat, Row
from ktrace.records import dataclass

_LARGEST = 2000
"""Instructions. A character takes a step for each of them at most: this bounds time and memory."""


@dataclass(slots=True)
class Split:
    """Go on at one place, or at the other; the first is preferred."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Save:
    """Remember where in the text it is."""

    slot: int


@dataclass(frozen=True, slots=True)
class Done:
    """The pattern is met."""


Step: TypeAlias = One | Edge | Split | Save | Done


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, one after the other unless they say otherwise, and the number of groups."""

    steps: tuple[Step, ...]
    groups: int


def compile_tree(tree: Node, groups: int) -> Program:
    """Return the program of a tree. Raises PatternError where it would be too large."""
    made = _Writer()
    made.write(tree)
    made.put(Done())
    return Program(tuple(made.steps), groups)


@dataclass(slots=True)
class _Writer:
    steps: list[Step] = field(default_factory=list)

    def put(self, step: Step) -> int:
        if len(self.steps) >= _LARGEST:
            raise PatternError("the pattern is too large", 0)
        self.steps.append(step)
        return len(self.steps) - 1

    def write(self, node: Node) -> None:
        match node:
            case One() | Edge():
                self.put(node)
            case Row():
                for part in node.parts:
                    self.write(part)
            case Group():
                self.put(Save(2 * node.number))
                self.write(node.body)
                self.put(Save(2 * node.number + 1))
            case Either():
                self._either(node)
            case Repeat():
                self._repeat(node)

    def _either(self, node: Either) -> None:
        ends = []
        for choice in node.choices[:-1]:
            split = self._split()
            split.first = len(self.steps)
            self.write(choice)
            ends.append(self._split())
            split.second = len(self.steps)
        self.write(node.choices[-1])
        for end in ends:
            end.first = end.second = len(self.steps)

    def _repeat(self, node: Repeat) -> None:
        for _ in range(node.low):
            self.write(node.body)
        if node.high is None:
            at = len(self.steps)
            split = self._split()
            split.first = len(self.steps)
            self.write(node.body)
            back = self._split()
            back.first = back.second = at
            split.second = len(self.steps)
            return
        splits = []
        for _ in range(node.high - node.low):
            split = self._split()
            split.first = len(self.steps)
            splits.append(split)
            self.write(node.body)
        for split in splits:
            split.second = len(self.steps)

    def _split(self) -> Split:
        split = Split(0, 0)
        self.put(split)
        return split
