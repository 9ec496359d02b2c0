"""Digests, manifests and the chain of seals."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import (
    END_OF_EPOCH,
    EVENT_COLUMNS,
    GENESIS,
    Entry,
    RangeCheck,
    Seal,
    check_link,
    decode_manifest,
    digest_of,
    encode_manifest,
    event_digest,
)

texts = st.none() | st.text(st.characters(blacklist_categories=['Cs']), max_size=12)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.builds(Entry, id=st.integers(1, 2**62), uid=st.uuids().map(str), digest=digests)


@given(st.lists(texts, max_size=5), st.lists(texts, max_size=5))
def test_different_rows_are_written_differently(one, other):
    assert (digest_of(*one) == digest_of(*other)) == (one == other)


@given(st.lists(entries, max_size=30))
def test_manifest_round_trip(listed):
    assert decode_manifest(encode_manifest(listed)) == tuple(listed)


def test_cut_manifest():
    with pytest.raises(ValueError, match='cut short'):
        decode_manifest(b'x' * 57)


def row(number, **changes):
    columns = dict.fromkeys(EVENT_COLUMNS, 'x')
    columns.update(id=str(number), uid=f'00000000-0000-4000-8000-{number:012d}', **changes)
    return tuple(columns[name] for name in EVENT_COLUMNS)


def entry(columns):
    return Entry(int(columns[0]), columns[1], event_digest(columns))


def chain(lengths, epochs=1):
    """A sound chain: ``lengths`` events per seal, in each of ``epochs`` epochs."""
    seals, ranges, number = [], [], 0
    for epoch in range(1, epochs + 1):
        xid = 0
        for position, length in enumerate(lengths):
            rows = [row(number + offset + 1) for offset in range(length)]
            number += length
            end = END_OF_EPOCH if epoch < epochs and position == len(lengths) - 1 else xid + length + 1
            seals.append(
                Seal(
                    number=len(seals) + 1,
                    epoch=epoch,
                    epoch_key=f'1/{epoch}',
                    from_xid=xid,
                    to_xid=end,
                    event_count=length,
                    sealed_at='2026-01-01T00:00:00.000000',
                    previous_digest=seals[-1].digest if seals else GENESIS,
                    manifest=encode_manifest(map(entry, rows)),
                ).signed()
            )
            ranges.append(rows)
            xid = end
    return seals, ranges


def first_problem(seals):
    previous = None
    for seal in seals:
        problem = check_link(seal, previous)
        if problem:
            return problem
        previous = seal
    return None


lengths_strategy = st.lists(st.integers(0, 4), min_size=1, max_size=5)


@given(lengths_strategy, st.integers(1, 3))
def test_sound_chain_has_no_problem(lengths, epochs):
    seals, ranges = chain(lengths, epochs)
    assert first_problem(seals) is None
    for seal, rows in zip(seals, ranges):
        check = RangeCheck(seal)
        assert all(check.event(columns, event_digest(columns)) is None for columns in rows)
        assert check.finish() is None


@given(lengths_strategy, st.data())
def test_every_change_of_a_seal_is_found(lengths, data):
    seals, _ranges = chain(lengths)
    position = data.draw(st.integers(0, len(seals) - 1))
    name = data.draw(
        st.sampled_from(
            [
                'number',
                'epoch',
                'epoch_key',
                'from_xid',
                'to_xid',
                'event_count',
                'sealed_at',
                'previous_digest',
                'manifest',
                'digest',
                'algorithm',
            ]
        )
    )
    value = getattr(seals[position], name)
    if isinstance(value, int):
        changed = value + data.draw(st.integers(-3, 3).filter(bool))
    elif isinstance(value, bytes):
        changed = value + b'\0' * 56
    else:
        changed = value + '0'
    seals[position] = replace(seals[position], **{name: changed})
    problem = first_problem(seals)
    assert problem and problem.seal in {seals[position].number, position + 1, position + 2}


@given(st.lists(st.integers(0, 4), min_size=3, max_size=6), st.data())
def test_resigned_seal_breaks_the_next_link(lengths, data):
    """Who recomputes a digest after a change must recompute every later one."""
    seals, _ranges = chain(lengths)
    position = data.draw(st.integers(0, len(seals) - 2))
    seals[position] = replace(seals[position], sealed_at='2020-01-01T00:00:00.000000').signed()
    problem = first_problem(seals)
    assert (problem.what, problem.seal) == ('chain broken', position + 2)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=6), st.data())
def test_seal_taken_out_is_named(lengths, data):
    seals, _ranges = chain(lengths)
    position = data.draw(st.integers(0, len(seals) - 2))
    del seals[position]
    problem = first_problem(seals)
    assert (problem.what, problem.seal) == ('chain broken', position + 1)


@given(st.integers(1, 6), st.data())
def test_first_bad_event_is_named(length, data):
    seals, ranges = chain([length])
    rows = ranges[0]
    victim = data.draw(st.integers(0, length - 1))
    kind = data.draw(st.sampled_from(['altered', 'missing', 'inserted']))
    number = int(rows[victim][0])
    if kind == 'altered':
        rows[victim] = row(number, data='y')
    elif kind == 'missing':
        del rows[victim]
    else:
        number = 999
        rows.insert(victim, row(number))
    check = RangeCheck(seals[0])
    problem = (
        next(filter(None, (check.event(columns, event_digest(columns)) for columns in rows)), None) or check.finish()
    )
    assert (problem.what, problem.event_id) == (kind, number)


def test_epoch_must_be_closed_before_the_next():
    seals, _ranges = chain([1], epochs=2)
    seals[0] = replace(seals[0], to_xid=5).signed()
    seals[1] = replace(seals[1], previous_digest=seals[0].digest).signed()
    assert 'before epoch 1 was closed' in first_problem(seals).message
