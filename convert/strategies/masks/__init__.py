r"""Bit masks: an ensemble of small trees, looked up feature by feature for many rows at once, instead of walked.

Every leaf is a bit. What a feature's value says of a tree is a mask: the leaves that it leaves open. The masks of all
features, and-ed, leave one bit, the row's own leaf. The value itself does not matter for this, only which interval
between thresholds it is in; and a tree that compares a feature at one or two thresholds knows two or three masks of it.
So those few are numbered, and their numbers, each times a stride of its own, add up to one byte: which masks came
together, hence which leaf.

    tree:          a <= 2               leaves, bits 0 to 3:   0: a<=2, b<=5    1: a<=2, b>5
                 yes/    \no                                   2: 2<a<=7        3: a>7
               b <= 5    a <= 7
               0    1    2    3

    feature a      up to 2   2 to 7   above 7        feature b      up to 5   above 5      (bit 0 is on the right)
    leaves open      0011      0100      1000                         1101      1110
    number              0         1         2        number              0         1
    times stride 1      0         1         2        times stride 3      0         3

    byte = 0..2 + 0 or 3        0: 0001   1: 0100   2: 1000   3: 0010   4: 0100   5: 1000     the leaf that is open

A table for each feature has a row for each of its intervals, and one for missing values; in a row are the bytes of all
trees side by side: 100 trees are 100 bytes, copied at once and added, as bytes, 16 at a time. A byte then picks the
leaf's value from the tree's 256, and values add up tree after tree, as scikit-learn adds them, from its base: the same
bits.

    rows ── places.py ──► intervals ── lookup.py ──► bytes ── sums.py ──► sums of leaves
            (features, n)             (lanes, n) uint8           (n, sums)

Masks of a tree with many leaves have too many combinations for a byte: its leaves are parted into groups, each with a
byte of its own, a *lane*; where none of a group's leaves is open, its table says -0.0, which changes no sum. Of such a
group a feature may close all leaves: the row is outside of it. That need not be told apart by features, so each may add
1 to a digit that they share, instead of having a number of its own for it:

    leaves 0 and 1 of the tree above      a   up to 2: 11, else 00, outside       byte = 0 or 1, and 2 if a is above 2:
    as a group of their own               b   up to 5: 01, above 5: 10            0: leaf 0   1: leaf 1   2, 3: none

- `axes.py`: the intervals of a feature, and to which side of a node each goes: thresholds, missing values, categories.
- `lanes.py`: trees become lanes: groups of leaves, the bytes of their masks, the leaf for each byte.
- `places.py`, `lookup.py`, `sums.py`: what the graph computes, in the order above.
- `votes.py`: a forest grown in full, whose leaves vote for one class each, needs one sum for all classes.
- `cost.py`: what a graph takes for a call and for a row, and so from how many rows on it is the faster one.
- `strategy.py`: an ensemble's sums, put together of these, or refused where that gains nothing.

The prototype and-ed the masks themselves. onnxruntime's BitwiseAnd takes 1 ns for an element of any width, its addition
of bytes less than a tenth of that: so masks are numbered, and add. benchmarks/CONVERSION.md has the figures, and what
else was tried.
"""
