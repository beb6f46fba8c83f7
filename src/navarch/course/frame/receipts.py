"""Receipts: the short codes that prove, once handed in, that something stood in the record."""

from __future__ import annotations

from navarch.course.frame.page import inline, tag
from navarch.course.record import Entry
from navarch.course.record.clock import said


def receipt_line(entry: Entry) -> str:
    """When something was committed, and its receipt."""
    code = tag("code", inline(entry.receipt), class_="nv-receipt")
    return tag("p", f"Entry {entry.number}, committed {inline(said(entry.time))}. Receipt ", code, class_="nv-stamp")
