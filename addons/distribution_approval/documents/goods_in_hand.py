"""Whose hands goods are in while stock changes, and which counts are being applied.

Quantities on hand change while stock moves are carried out, and at no other time. The mark that
says so hangs on the database cursor, where nothing that a client can send reaches it.
"""

from contextlib import contextmanager

HAND_KEY = "distribution.approval.goods_in_hand"


class GoodsInHand:
    """What one transaction is about to do with goods."""

    __slots__ = ("counts", "depth")

    def __init__(self):
        self.depth = 0  #: how many stock moves within each other are carried out
        self.counts = {}  #: what a count moves -> id of the inventory adjustment that it belongs to


def goods_in_hand(env):
    """The goods in hand of the cursor of ``env``."""
    attributes = vars(env.cr)
    if HAND_KEY not in attributes:
        attributes[HAND_KEY] = GoodsInHand()
    return attributes[HAND_KEY]


@contextmanager
def carried(env):
    """Stock moves are carried out inside: quantities on hand may change."""
    hand = goods_in_hand(env)
    hand.depth += 1
    try:
        yield hand
    finally:
        hand.depth -= 1


@contextmanager
def counted(env, counts):
    """The moves that are made inside belong to the adjustments in ``counts``."""
    hand = goods_in_hand(env)
    before, hand.counts = hand.counts, counts
    try:
        yield
    finally:
        hand.counts = before
