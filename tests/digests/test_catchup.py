"""What a reader is told, what is folded, what is left out and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digests.catchup import Cutoff
from digests.model import CatchUp, CommentNow


def told(catch_up: CatchUp) -> dict[str, list[str]]:
    return {
        section.name: [f"{line.card}: {line.text}" for line in section.lines] for section in catch_up.sections
    }


def everything(catch_up: CatchUp) -> list[int]:
    accounted = catch_up.accounted
    excluded = [offset for offsets in accounted.excluded.values() for offset in offsets]
    return sorted([*accounted.shown, *accounted.folded, *excluded])


def test_a_move_is_told_with_its_net_result(story) -> None:
    story.move("ana", "c3", "todo", "doing")
    story.move("chen", "c3", "doing", "review")

    catch_up = story.read()

    assert told(catch_up) == {"Moved": ["Address form: Ana and Chen moved it from To do to Review."]}
    assert (catch_up.accounted.shown, catch_up.accounted.folded) == ((2,), (1,))


def test_there_and_back_is_told_as_such(story) -> None:
    story.move("chen", "c3", "todo", "doing")
    story.move("chen", "c3", "doing", "todo")

    assert told(story.read()) == {"Moved": ["Address form: Chen moved it 2×, back to To do, where it was."]}


def test_created_and_deleted_in_the_window_vanishes_but_is_counted(story) -> None:
    story.tell("card.created", "chen", "c9", column_to="todo", after={"title": "Oops"})
    story.say("chen", "c9", "never mind")
    story.tell("card.deleted", "chen", "c9")

    catch_up = story.read()

    assert told(catch_up) == {}
    assert catch_up.accounted.folded == (1, 2, 3)


def test_a_card_renamed_three_times_is_told_from_first_to_last(story) -> None:
    for old, new in (("Form", "Adress form"), ("Adress form", "Address"), ("Address", "Address form")):
        story.tell("card.updated", "chen", "c3", before={"title": old}, after={"title": new})

    assert told(story.read()) == {"Moved": ["Address form: Chen renamed it from “Form”."]}


def test_ticks_are_summed_with_the_total(story) -> None:
    for item in ("i1", "i2", "i3"):
        story.tell("checklist.checked", "chen", "c3", id=item)
    story.tell("checklist.unchecked", "chen", "c3", id="i3")

    assert told(story.read()) == {"Moved": ["Address form: Chen ticked 2 checklist items (5 of 7 done)."]}


def test_labels_and_assignees_are_differences_of_sets(story) -> None:
    story.tell("card.labeled", "chen", "c3", after={"labels": ["bug"]})
    story.tell("card.labeled", "chen", "c3", after={"labels": ["later"]})
    story.tell("card.unlabeled", "chen", "c3", before={"labels": ["bug"]})
    story.tell("card.assigned", "chen", "c3", after={"member_ids": ["chen", "ana"]})

    text = "Address form: Chen took it on, assigned Ana and added the label “later”."
    assert told(story.read()) == {"Moved": [text]}


def test_comments_never_fold_away(story) -> None:
    story.say("chen", "c3", "First")
    story.say("chen", "c3", "Second")

    catch_up = story.read()

    assert told(catch_up) == {
        "Moved": ["Address form: Chen wrote: “First”", "Address form: Chen wrote: “Second”"]
    }
    assert catch_up.accounted.shown == (1, 2)


@pytest.mark.parametrize(
    "words",
    [
        "@ben look",
        "look, @Ben Berg!",
        "@Ben?",
        "@BEN",
        "(@ben)",
        "hi @ben.",
        "@board all of you",
        "@card both",
    ],
)
def test_who_names_you_waits_on_you(story, words) -> None:
    story.say("chen", "c1", words)

    (line,) = story.read().lines

    assert (line.kind, line.reason) == ("mention", "mentions you")
    assert line.text.startswith("Chen mentioned you: “")


@pytest.mark.parametrize(
    "words", ["x@ben.org", "mail x@ben", "@benjamin", "@ben-2", "ben should look", "@ana", "@card"]
)
def test_who_names_somebody_else_does_not(story, words) -> None:
    story.say("chen", "c3", words)

    assert [line.kind for line in story.read().lines] == ["comment"]


def test_a_first_name_that_two_share_names_nobody(story) -> None:
    story.members["flux:ben2"] = type(story.members["flux:ben"])("flux:ben2", "Ben Other", "other")
    story.on_board["web"] |= {"flux:ben2"}
    story.members["flux:ben"] = type(story.members["flux:ben"])("flux:ben", "Ben Berg", "bberg")
    story.say("chen", "c3", "@Ben please")

    assert [line.kind for line in story.read().lines] == ["comment"]


def test_a_reply_to_you_waits_on_you(story) -> None:
    story.comments["mine"] = CommentNow("mine", "c3", "flux:ben", None, "Which form?")
    story.say("chen", "c3", "The short one", parent="mine")

    (line,) = story.read().lines

    assert (line.kind, line.reason) == ("reply", "reply to you")


def test_what_is_assigned_to_you_waits_on_you_also_after_being_taken_back_and_given_again(story) -> None:
    story.tell("card.assigned", "chen", "c1", after={"member_ids": ["ben"]})
    story.tell("card.unassigned", "chen", "c1", before={"member_ids": ["ben"]})
    story.tell("card.assigned", "ana", "c1", after={"member_ids": ["ben"]})

    catch_up = story.read()

    assert told(catch_up) == {"Waiting on you": ["Pay with card: Chen and Ana assigned you."]}
    assert catch_up.accounted.shown == (1, 2, 3)


def test_what_was_given_to_you_and_is_done_by_now_does_not_wait(story) -> None:
    story.tell("card.assigned", "chen", "c1", after={"member_ids": ["ben"]})
    story.move("ana", "c1", "todo", "done")

    assert [section.name for section in story.read().sections] == ["Yours"]


def test_being_assigned_and_taken_off_again_is_still_told(story) -> None:
    story.tell("card.assigned", "chen", "c3", after={"member_ids": ["ben"]})
    story.tell("card.unassigned", "chen", "c3", before={"member_ids": ["ben"]})

    assert told(story.read()) == {"Yours": ["Address form: Chen assigned you and took you off again."]}


def test_a_due_date_moved_on_your_card_waits_on_you(story) -> None:
    dates = {"due_at": "2026-03-13T16:00:00+00:00"}, {"due_at": "2026-03-16T16:00:00+00:00"}
    story.tell("card.updated", "chen", "c1", before=dates[0], after=dates[1])

    text = "Pay with card: Chen moved the due date from Fri 13 Mar 17:00 to Mon 16 Mar 17:00."
    assert told(story.read()) == {"Waiting on you": [text]}


def test_your_own_actions_are_left_out_and_counted(story) -> None:
    story.move("ben", "c3", "todo", "doing")

    catch_up = story.read()

    assert told(catch_up) == {}
    assert catch_up.accounted.excluded == {"own": (1,)}


def test_what_you_changed_yourself_later_is_no_news(story) -> None:
    story.move("chen", "c3", "todo", "doing")
    story.move("ben", "c3", "doing", "review")

    catch_up = story.read()

    assert told(catch_up) == {}
    assert catch_up.accounted.folded == (1,)


def test_what_others_did_after_you_is_told_from_where_you_left_it(story) -> None:
    story.move("ben", "c3", "todo", "doing")
    story.move("chen", "c3", "doing", "done")

    (line,) = story.read().lines

    assert (line.text, line.reason) == ("Chen moved it from Doing to Done.", "you worked on it")


def test_other_peoples_boards_are_counted_and_not_told(story) -> None:
    story.tell("card.deleted", "ana", "x1")

    catch_up = story.read()

    assert told(catch_up) == {}
    assert catch_up.accounted.excluded == {"not_on_board": (1,)}


def test_what_happened_long_before_the_first_digest_is_not_told(story) -> None:
    story.move("chen", "c3", "todo", "doing", ago=timedelta(days=9))
    story.move("chen", "c3", "doing", "review")

    catch_up = story.read(cutoff=Cutoff(story.now - timedelta(days=7), "before_first"), first=True)

    assert catch_up.accounted.excluded == {"before_first": (1,)}
    assert told(catch_up) == {"Moved": ["Address form: Chen moved it from Doing to Review."]}


def test_drags_and_unknown_things_are_trifles(story) -> None:
    story.tell("card.reordered", "chen", "c3", after={"position": 4})
    story.tell("unknown", "chen", "c3", entity="card")
    story.tell("board.updated", "chen", after={"prefs": 1})

    assert story.read().accounted.excluded == {"noise": (1, 2, 3)}


def test_sections_come_in_their_order_each_line_with_its_reason(story) -> None:
    story.tell("card.created", "chen", "c7", column_to="todo")
    story.move("chen", "c3", "todo", "doing")
    story.move("chen", "c4", "review", "done")
    story.move("chen", "c1", "todo", "doing")
    story.say("chen", "c6", "@ben?")

    catch_up = story.read()

    assert [section.name for section in catch_up.sections] == [
        "Waiting on you", "Yours", "Decisions and done", "Moved", "New",
    ]  # fmt: skip
    assert [line.reason for line in catch_up.lines] == [
        "mentions you", "you are assigned", "finished on your board", "on your board", "new on your board",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "done"),
    [
        ("Done", True), ("DONE ✓", True), ("Erledigt", True), ("Concluído", True), ("Feito", True), ("完了", True),
        ("完了済み", True), ("Hecho", True), ("Terminé", True), ("Fertig (März)", True), ("クローズ", True),
        ("Doing", False), ("Not done", False), ("Definition of done", False), ("Abandoned", False), ("未完了", False),
    ],
)  # fmt: skip
def test_a_column_that_reads_done_is_done_in_many_languages(story, title, done) -> None:
    story.columns["last"] = type(story.columns["done"])("last", title, None)
    story.move("chen", "c3", "todo", "last")

    assert [line.kind for line in story.read().lines] == ["done" if done else "moved"]


def test_from_done_to_the_archive_is_no_reopening(story) -> None:
    story.columns["old"] = type(story.columns["done"])("old", "Archive", None)
    story.move("chen", "c3", "done", "old")
    story.move("chen", "c6", "done", "doing")

    assert sorted(line.kind for line in story.read().lines) == ["moved", "reopened"]


def test_a_decision_is_put_with_what_is_settled(story) -> None:
    story.say("chen", "c3", "Decision: one address line.")

    assert told(story.read()) == {
        "Decisions and done": ["Address form: Chen wrote: “Decision: one address line.”"]
    }


def test_what_reached_us_late_says_so(story) -> None:
    story.move("chen", "c3", "todo", "doing", ago=timedelta(days=3))

    (line,) = story.read(late=True).lines

    assert line.late


def test_times_are_the_readers(story) -> None:
    story.move("chen", "c3", "todo", "doing", ago=timedelta())

    (line,) = story.read().lines

    assert line.at.isoformat() == "2026-03-10T08:00:00+01:00"


def test_every_offset_is_in_exactly_one_place(story) -> None:
    story.move("chen", "c3", "todo", "doing")
    story.tell(
        "card.updated",
        "chen",
        "c1",
        before={"title": "x", "due_at": None},
        after={"title": "y", "due_at": "2026-04-01"},
    )
    story.tell("card.reordered", "chen", "c3")
    story.tell("card.deleted", "ana", "x1")
    story.say("ben", "c3", "mine")

    assert everything(story.read()) == [1, 2, 3, 4, 5]
