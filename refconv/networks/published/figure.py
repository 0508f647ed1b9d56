"""A printed figure beside ours, and how the two compare."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

SCALES = {"": Fraction(1), "M": Fraction(10**6), "G": Fraction(10**9), "%": Fraction(1, 100)}

AGREEING = ("exact", "rounded", "cut off")


@dataclass(frozen=True)
class Figure:
    """A printed number: by whom, of what, its digits and unit, our number, and its convention.

    remark: what is known of it where it does not agree.
    zeros: how many zeros at the end of what is printed are no digits.
    misprint_of: what should stand there, where other figures of the same source show that.
    """

    source: str
    what: str
    printed: str
    unit: str
    ours: Fraction
    convention: str
    remark: str = ""
    zeros: int = 0
    misprint_of: str = ""

    @property
    def verdict(self) -> str:
        """How the two compare: "exact", "rounded", "cut off", "misprint" or "differs".

        >>> Figure("", "", "569", "M", Fraction(568_740_352), "").verdict
        'rounded'
        >>> share = Fraction(10_838_016, 568_740_352)
        >>> Figure("", "", "1.19", "%", share, "").verdict
        'differs'
        >>> Figure("", "", "1.19", "%", share, "", misprint_of="1.91").verdict
        'misprint'
        """
        found = self._compared(self.printed)
        is_misprint = self.misprint_of and self._compared(self.misprint_of) in AGREEING
        return "misprint" if found == "differs" and is_misprint else found

    def _compared(self, printed: str) -> str:
        digits = printed.replace(",", "")
        places = len(digits.partition(".")[2]) - self.zeros
        scaled = self.ours / SCALES[self.unit] * Fraction(10) ** places
        number = int(digits.replace(".", "")) // 10**self.zeros
        if scaled == number:
            return "exact"
        if int(scaled + Fraction(1, 2)) == number:
            return "rounded"
        return "cut off" if int(scaled) == number else "differs"

    @property
    def agrees(self) -> bool:
        """Whether what is printed follows from our count."""
        return self.verdict in AGREEING

    @property
    def is_known(self) -> bool:
        """Whether it agrees, or it is said why it does not."""
        return self.agrees or bool(self.remark)

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "source": self.source, "what": self.what, "printed": self.printed, "unit": self.unit,
            "ours": float(self.ours / SCALES[self.unit]), "convention": self.convention,
            "verdict": self.verdict, "remark": self.remark,
        }  # fmt: skip
