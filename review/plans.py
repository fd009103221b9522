"""Sampling plans of ISO 2859-1: general level II, single sampling, and its switching rules.

Normal and tightened plans are Tables 2-A and 2-B. Reduced plans are Table II-C as it stood in ISO
2859-1:1989, MIL-STD-105E and ANSI Z1.4, where a gap lies between acceptance and rejection number;
the edition of 1999 closed the gap with other numbers, which are not used here. A lot in the gap is
accepted and ends reduced inspection, as those say. Switching follows the edition of 1999 (clause
9.3): the switching score is its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["normal", "tightened", "reduced"]

AQLS = (0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0, 15.0)
"""Acceptance quality limits that there are plans for, in percent nonconforming."""

LETTERS = "ABCDEFGHJKLM"

LARGEST = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000)
"""Largest lot of each letter, level II (Table 1)."""

SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315)
REDUCED_SIZES = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125)

# Rows are letters A to M, columns the AQLs. A number is the acceptance number, v and ^ are the
# arrows: the first plan below or above, with its sample size.
_NORMAL = """
v   v   v   v   v   0   v   v
v   v   v   v   0   ^   v   1
v   v   v   0   ^   v   1   2
v   v   0   ^   v   1   2   3
v   0   ^   v   1   2   3   5
0   ^   v   1   2   3   5   7
^   v   1   2   3   5   7   10
v   1   2   3   5   7   10  14
1   2   3   5   7   10  14  21
2   3   5   7   10  14  21  ^
3   5   7   10  14  21  ^   ^
5   7   10  14  21  ^   ^   ^
"""
_TIGHTENED = """
v   v   v   v   v   v   v   v
v   v   v   v   v   0   v   v
v   v   v   v   0   v   v   1
v   v   v   0   v   v   1   2
v   v   0   v   v   1   2   3
v   0   v   v   1   2   3   5
0   v   v   1   2   3   5   8
v   v   1   2   3   5   8   12
v   1   2   3   5   8   12  18
1   2   3   5   8   12  18  ^
2   3   5   8   12  18  ^   ^
3   5   8   12  18  ^   ^   ^
"""
_REDUCED = """
v   v   v   v   v   0   v   v
v   v   v   v   0   ^   v   0/2
v   v   v   0   ^   v   0/2 1/3
v   v   0   ^   v   0/2 1/3 1/4
v   0   ^   v   0/2 1/3 1/4 2/5
0   ^   v   0/2 1/3 1/4 2/5 3/6
^   v   0/2 1/3 1/4 2/5 3/6 5/8
v   0/2 1/3 1/4 2/5 3/6 5/8 7/10
0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13
1/3 1/4 2/5 3/6 5/8 7/10 10/13 ^
1/4 2/5 3/6 5/8 7/10 10/13 ^ ^
2/5 3/6 5/8 7/10 10/13 ^ ^ ^
"""

_TABLES: dict[Severity, tuple[tuple[str, ...], ...]] = {
    "normal": tuple(tuple(row.split()) for row in _NORMAL.strip().splitlines()),
    "tightened": tuple(tuple(row.split()) for row in _TIGHTENED.strip().splitlines()),
    "reduced": tuple(tuple(row.split()) for row in _REDUCED.strip().splitlines()),
}


class NoPlan(ValueError):
    """There is no plan for such a lot or AQL; the text says what there is."""


@dataclass(frozen=True)
class Plan:
    """Inspect ``size`` clips (all, where the lot has no more); ``letter`` is the one used.

    Accept the lot with ``accept`` nonconforming clips or fewer, and not with ``reject`` or more.
    """

    severity: Severity
    letter: str
    size: int
    accept: int
    reject: int


@dataclass(frozen=True)
class LotResult:
    """A lot that was inspected: under which plan, and how many nonconforming clips were found."""

    plan: Plan
    found: int

    @property
    def is_accepted(self) -> bool:
        """Fewer than the rejection number."""
        return self.found < self.plan.reject


@dataclass(frozen=True)
class Standing:
    """How the next lot is inspected, and why.

    ``score`` is the switching score under normal inspection (30 leads to reduced). ``is_stopped``
    says that five lots were not accepted under tightened inspection: the cause comes first.
    """

    severity: Severity
    score: int = 0
    is_stopped: bool = False
    why: str = "inspection begins as normal"


def letter_of(lot: int) -> str:
    """The code letter of a lot of this many clips, level II. Raises NoPlan outside 2 to 35,000."""
    if not 2 <= lot <= LARGEST[-1]:
        raise NoPlan(f"a lot of {lot} clips has no plan here: 2 to {LARGEST[-1]:,}")
    return LETTERS[next(at for at, most in enumerate(LARGEST) if lot <= most)]


def plan_for(lot: int, aql: float, severity: Severity = "normal") -> Plan:
    """The plan for a lot of this many clips. Raises NoPlan for an AQL without plans."""
    if aql not in AQLS:
        raise NoPlan(f"no plans for an AQL of {aql:g} %: {', '.join(f'{a:g}' for a in AQLS)}")
    return _resolved(severity, LETTERS.index(letter_of(lot)), AQLS.index(aql))


def _resolved(severity: Severity, row: int, column: int) -> Plan:
    """Follows the arrows to a plan."""
    table = _TABLES[severity]
    while (cell := table[row][column]) in "v^":
        row += 1 if cell == "v" else -1
    accept, _, reject = cell.partition("/")
    sizes = REDUCED_SIZES if severity == "reduced" else SIZES
    return Plan(
        severity, LETTERS[row], sizes[row], int(accept), int(reject) if reject else int(accept) + 1
    )


def one_step_tighter(plan: Plan) -> int:
    """Acceptance number of the plan one AQL step tighter, for the switching score; from 2 on."""
    ladder = (1, 2, 3, 5, 7, 10, 14, 21)
    return ladder[ladder.index(plan.accept) - 1]


def standing(lots: Iterable[LotResult]) -> Standing:
    """How the lot after these (oldest first) is inspected.

    - normal to tightened: two of five or fewer consecutive lots not accepted;
    - tightened to normal: five consecutive lots accepted; stopped: five not accepted in all;
    - normal to reduced: a switching score of 30. A lot adds 3 where it would have passed one AQL
      step tighter (accept 2 or more), or 2 where it passed (accept 0 or 1); else it starts again;
    - reduced to normal: a lot not accepted, or in the gap.
    """
    now = Standing("normal")
    recent: list[bool] = []  # accepted or not, since the severity began
    for lot in lots:
        before = now.severity
        recent.append(lot.is_accepted)
        now = _STEPS[before](lot, recent, now)
        if now.severity != before:
            recent = []
    return now


def _from_normal(lot: LotResult, recent: list[bool], now: Standing) -> Standing:
    if recent[-5:].count(False) >= 2:
        return Standing("tightened", why="two of five or fewer lots were not accepted")
    score = _score(lot, now.score)
    if score >= 30:
        return Standing("reduced", why="the switching score reached 30")
    return Standing("normal", score, why=f"the switching score is {score} of 30")


def _score(lot: LotResult, score: int) -> int:
    if lot.plan.accept >= 2:
        return score + 3 if lot.found <= one_step_tighter(lot.plan) else 0
    return score + 2 if lot.is_accepted else 0


def _from_tightened(_lot: LotResult, recent: list[bool], now: Standing) -> Standing:
    if now.is_stopped or recent.count(False) >= 5:
        why = "five lots were not accepted under tightened inspection: mend the cause first"
        return Standing("tightened", is_stopped=True, why=why)
    if len(recent) >= 5 and all(recent[-5:]):
        return Standing("normal", why="five consecutive lots were accepted")
    return Standing("tightened", why="five consecutive lots must be accepted")


def _from_reduced(lot: LotResult, _recent: list[bool], _now: Standing) -> Standing:
    if not lot.is_accepted:
        return Standing("normal", why="a lot was not accepted under reduced inspection")
    if lot.found > lot.plan.accept:
        return Standing("normal", why="a lot fell between acceptance and rejection number")
    return Standing("reduced", why="every lot since was accepted")


_STEPS = {"normal": _from_normal, "tightened": _from_tightened, "reduced": _from_reduced}
