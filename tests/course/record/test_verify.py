"""What verifying says of kept evidence; instruments that say it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from navarch.course.instrument import (
    Instrument,
    InstrumentError,
    Reading,
    Shown,
    differences,
    instrument_named,
)
from navarch.course.record import Prediction, Record
from navarch.course.record.verify import DIFFERS, MEASURED, REPRODUCED, verify

MACHINE = {"processor": "a processor", "cores": "2"}


def test_evidence_is_computed_again_and_measurements_are_not(
    record: Record, ring: Instrument, rate: Instrument
) -> None:
    record.commit("05", "A", Prediction(1.0, "s", 0.5, "1 s"))
    record.reveal("05", "A", ring(size=1e9, ranks=8))
    record.keep("05", "A", ring(size=1e9, ranks=64))
    record.measured("05", "A", rate(size=512), MACHINE, recorded=True)
    found = verify(record.path)
    assert found.ok
    assert [replay.outcome for replay in found.replays] == [REPRODUCED, REPRODUCED, MEASURED]
    assert found.replays[2].details == ("recorded on a processor, 2 cores",)
    assert found.as_data()["ok"] and found.as_data()["entries"] == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"readings": {"time": Reading("Time of the all-reduce", 0.01, "s")}}, "kept 10 ms, the library says 35 ms"),
        ({"inputs": {"size": 1e9}}, "missing ['ranks']"),
        ({"inputs": {"size": "much", "ranks": 8}}, "the library cannot show it"),
        ({"instrument": "navarch.course.nothing:ring_time"}, "No module named"),
        ({"instrument": "navarch.core.quantity:show"}, "is no instrument of navarch"),
        ({"instrument": "os:system"}, "is no instrument of navarch"),
        ({"rows": ()}, "kept 0 rows, the library says 3"),
    ],
)
def test_evidence_that_does_not_reproduce_is_named(record: Record, ring: Instrument, change: dict, told: str) -> None:  # type: ignore[type-arg]
    shown = ring(size=1e9, ranks=8)
    record.keep("05", "A", replace(shown, **{"readings": shown.readings, **change}))
    found = verify(record.path)
    assert not found.ok and not found.flaws
    (replay,) = found.replays
    assert replay.outcome == DIFFERS and any(told in detail for detail in replay.details), replay.details
    assert any("Does not reproduce: entry 1 (evidence, lab 05, part A)" in line for _, line in found.sentences())


def test_a_calculation_cannot_pass_as_a_measurement(record: Record, ring: Instrument) -> None:
    shown = ring(size=1e9, ranks=8)
    wrong = replace(shown, readings=shown.readings | {"time": replace(shown["time"], value=1.0)})
    record.measured("05", "A", wrong, MACHINE, recorded=False)
    assert verify(record.path).replays[0].outcome == DIFFERS


def test_a_measurement_names_its_machine(record: Record, rate: Instrument) -> None:
    record.measured("05", "A", rate(size=512), {}, recorded=False)
    assert "no machine is named" in verify(record.path).flaws[0].message


def test_differences_are_told_in_full_where_the_short_form_hides_them(ring: Instrument) -> None:
    shown = ring(size=1e9, ranks=8)
    assert differences(shown, Shown.from_plain(shown.as_plain())) == []
    time = shown["time"]
    for near, told in (
        (replace(time, value=time.value * (1 + 1e-6)), "the library says 0.03500003"),
        (replace(time, low=0.0), "kept an interval"),
        (replace(time, unit="byte"), "kept 35 ms, the library says 0.035 bytes"),
    ):
        again = replace(shown, readings=shown.readings | {"time": near})
        assert any(told in line for line in differences(shown, again)), differences(shown, again)
    assert (
        differences(
            shown, replace(shown, readings=shown.readings | {"time": replace(time, value=time.value * (1 + 1e-12))})
        )
        == []
    )
    rows = [dict(row) for row in shown.rows]
    rows[1]["time"] *= 2
    assert differences(shown, replace(shown, rows=tuple(rows)))[0].startswith("row 2 of the figure: time: kept 0.03")


def test_not_a_number_is_the_same_as_itself() -> None:
    shown = Shown("navarch.x:y", {}, {"a": Reading("A", math.nan, "s")})
    assert differences(shown, shown) == []


def test_only_instruments_of_the_library_are_found(ring: Instrument) -> None:
    assert instrument_named(ring.name) is ring
    with pytest.raises(InstrumentError, match="is no instrument of navarch"):
        instrument_named("subprocess:run")


def test_the_score_of_a_submitted_design_is_computed_again(record: Record, scorer: Instrument) -> None:
    body = {"instrument": scorer.name, "design": {"tp": 8}, "given": {"seed": 5}, "met": True}
    record.submit("05", "challenge", body | {"score": {"value": 13, "unit": "USD"}})
    record.submit("05", "challenge", body | {"score": {"value": 10, "unit": "USD"}})
    record.submit("05", "debate", {"score": 1})
    right, wrong = verify(record.path).replays
    assert right.outcome == REPRODUCED
    assert (wrong.outcome, wrong.details) == (DIFFERS, ("Score: kept 10 USD, the library says 13 USD",))
