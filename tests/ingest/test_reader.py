"""Reading one board in order, whatever its stream does; a source of our own stands at the port."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from wire.scripted import GARDEN, NOW, Scripted, entry

from ingest.reader import Reader
from warehouse.model import Batch


def read(source: Scripted, position: int = 0) -> tuple[Reader, list[Batch]]:
    told: list[Batch] = []
    return Reader(
        source, GARDEN, str(position), tell=lambda _, batch: told.append(batch), clock=lambda: NOW
    ), told


def seqs(told: list[Batch]) -> list[int]:
    return [int(event.event_id[2:]) for batch in told for event in batch.events]


def test_the_next_entry_is_taken_from_the_stream_itself():
    source = Scripted(words=[entry(3), entry(4)])
    reader, told = read(source, 2)
    list(reader.listen(source))
    assert seqs(told) == [3, 4]
    assert told[-1].cursor.position == "4"
    assert not [each for each in source.asked if each.startswith("activity")]


def test_a_gap_in_the_stream_is_filled_from_the_log():
    source = Scripted(log=[entry(seq) for seq in range(1, 6)], words=[entry(5)])
    reader, told = read(source, 2)
    list(reader.listen(source))
    assert seqs(told) == [3, 4, 5]
    assert source.asked[0] == "activity after 2"


def test_a_ring_without_words_means_to_read_the_log():
    source = Scripted(log=[entry(1)], words=[None])
    reader, told = read(source)
    list(reader.listen(source))
    assert seqs(told) == [1]


@given(st.integers(0, 8), st.lists(st.one_of(st.none(), st.integers(1, 12)), max_size=12))
def test_whatever_the_stream_says_the_log_is_told_once_and_in_order(position, words):
    log = [entry(seq) for seq in range(1, 13)]
    source = Scripted(log=log, words=[None if seq is None else log[seq - 1] for seq in words])
    reader, told = read(source, position)
    list(reader.listen(source))
    heard = seqs(told)
    assert heard == list(range(position + 1, position + 1 + len(heard)))
    assert all(seq <= int(reader.position) for seq in words if seq)


def test_the_board_is_looked_at_again_once_for_somebody_nobody_knew():
    source = Scripted(
        log=[entry(seq, "ben") for seq in range(1, 5)], words=[entry(5, "ben"), entry(6, "eva")]
    )
    reader, told = read(source)
    reader.begin()
    reader.catch_up()
    list(reader.listen(source))
    assert source.asked.count("snapshot") == 1, "who acts is introduced by the log itself"
    people = {
        each.entity_id: each.fields["name"] for batch in told for met in batch.people for each in met.entities
    }
    assert people == {"ben": "Ben", "eva": "Eva"}


def test_the_board_is_asked_who_it_is_when_nobody_introduces_them():
    one = entry(1)
    one = replace(one, event=replace(one.event, after={"member_ids": ["eva", "ghost"]}))
    source = Scripted(log=[one, entry(2)], members=("ana", "eva"))
    reader, told = read(source)
    reader.catch_up()
    reader.catch_up()
    assert source.asked.count("snapshot") == 1, "once, whether somebody knows them or not"
    assert "eva" in {each.entity_id for met in told[-1].people for each in met.entities}
