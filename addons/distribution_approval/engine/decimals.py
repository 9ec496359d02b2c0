"""How many decimals a number is shown with: as few as say what it is.

>>> decimals_needed(65.0, 0, 2), decimals_needed(12.5, 0, 2), decimals_needed(12.3456, 2, 6)
(0, 1, 4)
>>> decimals_needed(0.1 + 0.2, 0, 6), decimals_needed(2.0, 2, 6), decimals_needed(1 / 3, 0, 2)
(1, 2, 2)
>>> decimals_of(0.01), decimals_of(1.0), decimals_of(0.5), decimals_of(10.0), decimals_of(0)
(2, 0, 1, 0, 0)
"""


def decimals_needed(value, least, most):
    """The fewest decimals, between ``least`` and ``most``, that show what ``most`` would show."""
    value = float(value)
    shown = round(value, most)
    return next((digits for digits in range(least, most) if round(value, digits) == shown), most)


def decimals_of(rounding, most=6):
    """Decimals of a unit that is rounded to multiples of ``rounding``."""
    return decimals_needed(rounding, 0, most) if rounding else 0
