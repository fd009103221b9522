"""Screening of recordings: measure once (decode), check and judge often (stored numbers only)."""
