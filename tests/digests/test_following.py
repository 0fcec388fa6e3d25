"""Boards muted or not followed, and sections left out, are accounted for like everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digests.model import SECTIONS, CatchUp


@pytest.fixture
def full(story):
    """Something in most sections, on two boards."""
    story.say("ana", "c3", "@ben please look")
    story.move("ana", "c1", "todo", "doing")
    story.move("chen", "c6", "doing", "done")
    story.move("chen", "c4", "todo", "doing")
    story.tell("card.created", "ana", "c5", column_to="todo")
    story.move("ana", "c7", "todo", "doing")
    story.move("ana", "c7", "doing", "todo")
    return story


def read(full, **chosen: tuple[str, ...]) -> CatchUp:
    full.person = replace(full.person, **chosen)
    return full.read()


def test_a_muted_board_is_not_told_and_accounted_for(full) -> None:
    told = read(full, muted=("mobile",))

    assert {line.board for line in told.lines} == {"Web shop"}
    assert told.accounted.excluded == {"muted": (4, 5)}
    assert told.accounted.events == len(full.events)


def test_who_follows_one_board_is_told_of_no_other_and_a_title_names_it_too(full) -> None:
    told = read(full, followed=("MOBILE APP",))

    assert {line.board for line in told.lines} == {"Mobile app"}
    assert told.accounted.excluded == {"not_followed": (1, 2, 3, 6, 7)}


def test_a_section_left_out_is_accounted_for_and_what_waits_on_you_never_is(full) -> None:
    told = read(full, sections=("Waiting on you", "Decisions and done"))

    assert [section.name for section in told.sections] == ["Waiting on you", "Decisions and done"]
    assert told.accounted.excluded["section"] == (2, 4, 5, 6, 7)
    assert told.accounted.events == len(full.events)


@given(
    muted=st.sets(st.sampled_from(["web", "mobile", "secret", "gone"])),
    followed=st.sets(st.sampled_from(["web", "Mobile app", "gone"])),
    sections=st.sets(st.sampled_from(SECTIONS)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_muted_followed_or_left_out_the_books_balance(
    full, muted: set[str], followed: set[str], sections: set[str]
) -> None:
    told = read(full, muted=tuple(muted), followed=tuple(followed), sections=(SECTIONS[0], *sections))

    accounted = told.accounted

    parts = [accounted.shown, accounted.folded, *accounted.excluded.values()]
    assert sorted(offset for part in parts for offset in part) == list(range(1, len(full.events) + 1))
