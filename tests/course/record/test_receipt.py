"""Receipts: spelt for people, and sure to notice a slip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.course.instrument import Instrument
from navarch.course.record import Prediction, Record, RecordError
from navarch.course.record.clock import read_time
from navarch.course.record.handed_in import Handed, read_handed_in
from navarch.course.record.receipt import ALPHABET, read_receipt, receipt_of
from navarch.course.record.verify import verify

CODE = receipt_of("0" * 64)


def test_a_receipt_has_no_look_alikes() -> None:
    assert len(CODE) == 19 and CODE.count("-") == 3
    assert not set(ALPHABET) & set("01OIL") and len(set(ALPHABET)) == 31
    assert receipt_of("0" * 64) == CODE != receipt_of("0" * 63 + "1")


@given(st.integers(0, 15), st.sampled_from(ALPHABET))
def test_every_wrong_letter_is_noticed(place: int, letter: str) -> None:
    code = CODE.replace("-", "")
    typed = code[:place] + letter + code[place + 1 :]
    assert bool(read_receipt(typed)[1]) == (typed != code)


@given(st.integers(0, 14))
def test_swapped_neighbours_are_noticed(place: int) -> None:
    code = CODE.replace("-", "")
    typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert bool(read_receipt(typed)[1]) == (typed != code)


@pytest.mark.parametrize("typed", [CODE.lower(), CODE.replace("-", ""), CODE.replace("-", " "), f" {CODE} "])
def test_a_receipt_is_read_however_it_is_typed(typed: str) -> None:
    assert read_receipt(typed) == (CODE, "")


@pytest.mark.parametrize(("typed", "why"), [("O" + CODE[1:], "O never stands"), (CODE[:-1], "has 16 letters")])
def test_what_is_wrong_with_a_code_is_told(typed: str, why: str) -> None:
    assert why in read_receipt(typed)[1]


def test_receipts_come_from_files_and_as_codes(tmp_path: Path) -> None:
    file = tmp_path / "receipts.txt"
    file.write_text(f"# ada\n{CODE}\n{CODE}, 2026-03-01 14:05  # late\n{CODE}\t2026-03-01T14:05+02:00\n\n", "utf-8")
    times = [None, datetime(2026, 3, 1, 14, 5, tzinfo=UTC), datetime(2026, 3, 1, 12, 5, tzinfo=UTC)]
    assert read_handed_in([str(file)]) == [Handed(CODE, time) for time in times]
    assert read_handed_in([f"{CODE},{CODE}"]) == [Handed(CODE), Handed(CODE)]
    file.write_text(f"{CODE} yesterday\n", "utf-8")
    with pytest.raises(RecordError, match="'yesterday' after the receipt"):
        read_handed_in([str(file)])
    file.write_text("# none\n", "utf-8")
    with pytest.raises(RecordError, match="no receipt stands in"):
        read_handed_in([str(file)])


def test_the_time_of_arrival_tells_whether_the_result_was_seen(record: Record, ring: Instrument) -> None:
    committed = record.commit("05", "A", Prediction(1.0, "s", 0.5, "1 s"))
    revealed = read_time(record.reveal("05", "A", ring(size=1e9, ranks=8)).time)
    early, late, wrong = verify(
        record.path,
        [
            Handed(committed.receipt, revealed - timedelta(seconds=1)),
            Handed(committed.receipt, revealed + timedelta(seconds=1)),
            Handed(committed.receipt[:-1] + ("2" if committed.receipt[-1] != "2" else "3")),
        ],
    ).receipts
    assert early.fits and "arrived before the result was shown" in early.details
    assert late.fits and "does not prove that it came before" in late.details
    assert wrong.outcome == "mistyped" and not wrong.fits
