"""What a person wants to be told: which boards, which sections. Widgets in, words of people.toml out."""

from __future__ import annotations

import streamlit as st

from digests.model import SECTIONS, Person
from digests.preferences import ALWAYS
from pages import _data, _parts

BOARDS = """
select distinct b.board_id, coalesce(b.title, b.board_id) as title from boards b
join board_members m on m.source = b.source and m.board_id = b.board_id
where list_contains($members::varchar[], m.source || ':' || m.member_id) and b.deleted_at is null
order by lower(coalesce(b.title, b.board_id)), b.board_id"""
ALL, SOME = "All my boards", "Only some of them"


def ask(person: Person) -> dict[str, object]:
    """The choices, by key."""
    st.subheader("What")
    return {**_boards(person), "sections": _sections(person)}


def _boards(person: Person) -> dict[str, object]:
    titles = dict(_data.frame(BOARDS, members=list(person.members)).iter_rows())
    if not titles:
        _parts.note("You are on no board yet.")
        return {"muted": list(person.muted), "followed": list(person.followed)}
    how = st.segmented_control(
        "Boards", [ALL, SOME], default=SOME if person.followed else ALL, required=True,
        key=_parts.key(person, "how"), label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    if how == SOME:
        return {"muted": [], "followed": _chosen(person, "followed", "Tell me of", titles)}
    return {"muted": _chosen(person, "muted", "Except", titles), "followed": []}


def _chosen(person: Person, key: str, label: str, titles: dict[str, str]) -> list[str]:
    """Boards out of those the person is on; what else they named stays."""
    named = list(getattr(person, key))
    here = [one for one in titles if one in named or titles[one] in named]
    elsewhere = [one for one in named if one not in titles and one not in titles.values()]
    chosen = st.multiselect(
        label, list(titles), default=here, format_func=titles.__getitem__, key=_parts.key(person, key),
        placeholder="No board",
    )  # fmt: skip
    return [*chosen, *elsewhere]


def _sections(person: Person) -> list[str]:
    others = [one for one in SECTIONS if one != ALWAYS]
    chosen = st.pills(
        f"Sections, after “{ALWAYS}”", others, selection_mode="multi",
        default=[one for one in others if one in person.sections], key=_parts.key(person, "sections"), wrap=True,
    )  # fmt: skip
    return [ALWAYS, *(one for one in others if one in chosen)]
