"""The sixteen labs of the course: their names, weeks and learning objectives, and the notebooks that exist."""

from __future__ import annotations

from navarch.course.labs.registry import CourseLab, Objective, lab_named, labs

__all__ = ["CourseLab", "Objective", "lab_named", "labs"]
