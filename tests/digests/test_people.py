"""Who people are: implicit from boards, completed by people.toml, found by what one calls them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from digests import ledger
from digests.people import UnknownPerson, find, import_people, people, slug
from digests.people_file import BadPeople
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Entity, Snapshot

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def meet(home: Home, board: str = "b", **names: str) -> None:
    """A board that names these members; a name in brackets is a bot's."""
    members = [
        Entity(
            "member",
            key,
            {"name": name.strip("[]"), "username": key, "kind": "bot" if name[0] == "[" else "human"},
        )
        for key, name in names.items()
    ]
    with Log.open(home) as log:
        log.append(
            Batch(
                snapshot=Snapshot("trello", board, NOW, (Entity("board", board, {"title": board}), *members))
            )
        )
        log.publish()


def write(home: Home, text: str) -> Path:
    path = home.root / "people.toml"
    path.write_text(text, encoding="utf-8")
    return path


def entry(**fields: str) -> str:
    return "[[people]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


def test_members_are_people_without_zone_or_mail_and_bots_are_none(home: Home) -> None:
    meet(home, m1="Ana Lima", m2="[CI robot]")

    (ana,) = people(home)

    assert (ana.person_id, ana.name, ana.zone, ana.email, ana.members) == (
        "ana-lima",
        "Ana Lima",
        None,
        None,
        ("trello:m1",),
    )


def test_an_import_completes_a_member_and_keeps_the_id(home: Home) -> None:
    meet(home, m1="Ana Lima")
    before = find(home, "Ana Lima")

    report = import_people(
        home,
        write(
            home,
            entry(
                name='"Ana Lima"', email='"ana@example.org"', zone='"America/Sao_Paulo"', send_at='["7:30"]'
            ),
        ),
        NOW,
    )

    after = find(home, "ana@example.org")
    assert (after.person_id, after.zone, after.send_at) == (
        before.person_id,
        "America/Sao_Paulo",
        (time(7, 30),),
    )
    assert after.members == ("trello:m1",)
    assert str(report) == "people=1 added=1 updated=0 unchanged=0"


def test_all_members_of_a_name_are_one_person_once_imported(home: Home) -> None:
    meet(home, m1="Ana Lima")
    meet(home, board="other", m2="Ana Lima")
    assert [one.person_id for one in people(home)] == ["ana-lima", "ana-lima-m2"]

    import_people(home, write(home, entry(name='"Ana Lima"')), NOW)

    (ana,) = people(home)
    assert (ana.person_id, ana.members) == ("ana-lima", ("trello:m1", "trello:m2"))


def test_an_import_before_the_board_is_known_counts_as_soon_as_it_is(home: Home) -> None:
    report = import_people(
        home, write(home, entry(name='"Ana"', members='["trello:m1"]') + entry(name='"Ben"')), NOW
    )
    assert "no board has named trello:m1 yet" in str(report)

    meet(home, m1="Ana Lima", m2="Ben")

    assert {one.person_id: one.members for one in people(home)} == {
        "ana": ("trello:m1",),
        "ben": ("trello:m2",),
    }


def test_importing_again_changes_what_changed_and_adds_nobody(home: Home) -> None:
    meet(home, m1="Ana Lima")
    import_people(home, write(home, entry(name='"Ana Lima"', zone='"Asia/Tokyo"')), NOW)
    report = import_people(home, write(home, entry(name='"Ana Lima"', zone='"Asia/Seoul"')), NOW)

    assert report.updated == ("ana-lima",)
    assert [one.zone for one in people(home)] == ["Asia/Seoul"]


def test_who_is_told_the_same_again_has_not_chosen_anew(home: Home) -> None:
    """A weekly mail that was missed is made up for, unless its reader chose another time since."""
    meet(home, m1="Ana Lima")
    for later in (timedelta(0), timedelta(days=1)):
        import_people(home, write(home, entry(name='"Ana Lima"', zone='"Asia/Tokyo"')), NOW + later)

    assert [one.chosen_at for one in people(home)] == [NOW]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("José da Silva", "jose-da-silva"), ("田中 太郎", "田中-太郎"), ("ÅSA  Öberg-Straße", "asa-oberg-strasse"),
     ("김민준", "김민준"), ("...", "member"), ("محمد علي", "محمد-علي"), ("O'Neil_x", "o-neil-x")],
)  # fmt: skip
def test_ids_are_readable_in_any_script(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_an_id_once_given_stays_when_a_namesake_joins(home: Home) -> None:
    meet(home, zz="Ana Lima")
    people(home)
    meet(home, aa="Ana Lima", zz="Ana Lima")

    assert {one.members[0]: one.person_id for one in people(home)} == {
        "trello:zz": "ana-lima",
        "trello:aa": "ana-lima-aa",
    }


@pytest.mark.parametrize(
    "text", ["ana-lima", "Ana Lima", "ANA LIMA", "ana@example.org", "trello:m1", "m1", " ana lima "]
)
def test_a_person_is_found_by_what_one_calls_them(home: Home, text: str) -> None:
    meet(home, m1="Ana Lima", m2="Ben")
    import_people(home, write(home, entry(name='"Ana Lima"', email='"ana@example.org"')), NOW)

    assert find(home, text).person_id == "ana-lima"


def test_a_decomposed_name_is_the_same_name(home: Home) -> None:
    meet(home, m1="José")

    assert find(home, "Jose\u0301").person_id == "jose"


def test_nobody_of_that_name_names_who_is_near(home: Home) -> None:
    meet(home, m1="Ana Lima", m2="Ben Berg")

    with pytest.raises(UnknownPerson, match=r"Nobody is called 'Anna Lima'\. Did you mean ana-lima\?"):
        find(home, "Anna Lima")
    with pytest.raises(UnknownPerson, match="Did you mean ben-berg"):
        find(home, "Ben")


def test_a_name_of_two_asks_which(home: Home) -> None:
    meet(home, m1="Ana Lima", m2="Ana Lima")

    with pytest.raises(
        UnknownPerson, match=r"2 people are called 'ANA LIMA': ana-lima \(trello:m1\), ana-lima-m2"
    ):
        find(home, "ANA LIMA")


BAD = {
    "unknown zone, by place": (entry(name='"Ana"', zone='"Berlin"'), "no zone 'Berlin'; did you mean Europe/Berlin"),
    "unknown zone, misspelt": (entry(name='"Ana"', zone='"Amerika/Sao Paulo"'), "did you mean America/Sao_Paulo"),
    "zone in other case": (entry(name='"Ana"', zone='"europe/berlin"'), "did you mean Europe/Berlin"),
    "zone that is a number": (entry(name='"Ana"', zone="2"), "there is no zone 2"),
    "send_at out of the day": (entry(name='"Ana"', send_at='["25:00"]'), "send_at '25:00' is not a time of day"),
    "send_at not a list": (entry(name='"Ana"', send_at='"08:00"'), r'send_at must be a list, like send_at = \["08:00"\]'),
    "e-mail with a line break": (entry(name='"Ana"', email='"a@example.org\\r\\nBcc: x@y.z"'), "is not one plain address"),
    "two addresses": (entry(name='"Ana"', email='"a@example.org, b@example.org"'), "is not one plain address"),
    "unknown key": (entry(name='"Ana"', timezone='"Europe/Berlin"'), "unknown key 'timezone'; did you mean 'zone'"),
    "no name": (entry(email='"a@example.org"'), "entry 1 .without a name.: name must be"),
    "name with a line break": (entry(name='"A\\nB"'), "name must be"),
    "twice the same": (entry(name='"Ana"') + entry(name='"ANA"'), "two entries are named “Ana”|two entries are named “ANA”"),
    "member claimed twice": (
        entry(name='"A"', members='["trello:m1"]') + entry(name='"B"', members='["trello:m1"]'), "claimed by “A” and “B”"),
    "member without source": (entry(name='"Ana"', members='["m1"]'), "must be source:id"),
    "unknown day": (entry(name='"Ana"', work_days='["monday"]'), "work day 'monday' is unknown. Use mon"),
    "bad hours": (entry(name='"Ana"', work_hours='"9 to 5"'), "work_hours '9 to 5' is not a span"),
    "not TOML": ("[[people]\n", "is not TOML"),
    "no people": ("", r"has no \[\[people\]\] entry"),
    "key at the top": ('name = "Ana"\n', "the key 'name' outside an entry"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_whole_with_the_way_out(home: Home, text: str, message: str) -> None:
    good = entry(name='"Zoe"') if text.startswith("[[people]]\n") and "[[people]]\nname" in text else ""

    with pytest.raises(BadPeople, match=message):
        import_people(home, write(home, text + good if text else ""), NOW)

    assert ledger.saved_people(home) == {}


def test_a_file_that_is_not_there_is_named(home: Home) -> None:
    with pytest.raises(BadPeople, match=r"nobody\.toml cannot be read: No such file"):
        import_people(home, home.root / "nobody.toml", NOW)
