"""One Trello action to one event, by a table of action types. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.sources.trello_fields import (
    BOARD,
    COLUMN,
    ActionIncomplete,
    Data,
    Labels,
    card_fields,
    changes,
    id_of,
    item_fields,
    label_text,
    member_fields,
    named,
    part,
    text,
)
from ingest.sources.values import delta, mapping
from warehouse.model import EntityType


@dataclass(frozen=True, slots=True)
class Said:
    """What an action says in canonical words, before it is told when and by whom."""

    action: str
    entity_type: EntityType
    entity_id: str | None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    column_from: str | None = None
    column_to: str | None = None


Teller = Callable[[Data], Said]


def say(action: Data, labels: Labels) -> Said:
    """What this action says; a type that is not in the table is `unknown`.

    `labels` gives the text of each label id. Raises ActionIncomplete where the action lacks a field.
    """
    kind = action.get("type")
    if kind == "updateCard":
        return _card_updated(part(action, "data"), labels)
    teller = _TELLERS.get(kind) if isinstance(kind, str) else None
    # Trello keeps the member an action is about, and the id that becomes a comment's, beside `data`.
    aside = {"member": mapping(action.get("member")), "comment": action.get("id")}
    return teller({**part(action, "data"), **aside}) if teller else unknown(action)


def unknown(action: Data) -> Said:
    """An action we have no word for, tied to its card where it names one."""
    card = text(mapping(mapping(action.get("data")).get("card")).get("id"))
    return Said("unknown", "card" if card else "board", card)


def _sides(before: bool, facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts on the side where they hold: before, of what went; after, of what came."""
    return (facts, {}) if before else ({}, facts)


# cards -------------------------------------------------------------------------------------------


def _card_updated(data: Data, labels: Labels) -> Said:
    card, old = part(data, "card"), mapping(data.get("old"))
    changed = {key: card[key] for key in old if key in card}
    before, after = card_fields(old, labels), card_fields(changed, labels)
    for name in ("member_ids", "labels"):
        if name in after:
            gone, come = delta(name, before.pop(name), after.pop(name))
            before, after = before | gone, after | come
    column_from = text(mapping(data.get("listBefore")).get("id")) or before.get("column_id")
    column_to = text(mapping(data.get("listAfter")).get("id")) or after.get("column_id")
    if column_to and column_from != column_to:
        before, after = before | {"column_id": column_from}, after | {"column_id": column_to}
        return Said("card.moved", "card", id_of(data, "card"), before, after, column_from, column_to)
    return Said(_card_change(old, before, after), "card", id_of(data, "card"), before, after)


def _card_change(old: Data, before: Data, after: Data) -> str:
    """The strongest word for a card that stayed in its column."""
    if "archived" in after:
        return "card.archived" if after["archived"] else "card.unarchived"
    if set(old) == {"pos"}:
        return "card.reordered"
    told = set(before) | set(after)
    if told in ({"member_ids"}, {"labels"}) and bool(before) != bool(after):
        joined, left = ("assigned", "unassigned") if told == {"member_ids"} else ("labeled", "unlabeled")
        return f"card.{joined if after else left}"
    return "card.updated"


def _card_created(data: Data) -> Said:
    card = part(data, "card")
    after = card_fields(card, {})
    column = text(mapping(data.get("list")).get("id")) or after.get("column_id")
    if column:
        after["column_id"] = column
    return Said("card.created", "card", id_of(data, "card"), {}, after, None, column)


def _card_came(data: Data) -> Said:
    """A card from another board; it may have been here before, and gone."""
    said = _card_created(data)
    return replace(said, after={**said.after, "deleted": False})


def _card_gone(data: Data) -> Said:
    return Said("card.deleted", "card", id_of(data, "card"))


def _assignment(word: str) -> Teller:
    def tell(data: Data) -> Said:
        member = text(data.get("idMember")) or id_of(data, "member")
        sides = _sides(word == "unassigned", {"member_ids": [member]})
        return Said(f"card.{word}", "card", id_of(data, "card"), *sides)

    return tell


def _labeling(word: str) -> Teller:
    def tell(data: Data) -> Said:
        label = label_text(mapping(data.get("label")) or data)
        if label is None:
            raise ActionIncomplete("label")
        return Said(
            f"card.{word}", "card", id_of(data, "card"), *_sides(word == "unlabeled", {"labels": [label]})
        )

    return tell


# columns, the board, its members -----------------------------------------------------------------


def _column_created(data: Data) -> Said:
    return Said("column.created", "column", id_of(data, "list"), {}, named(part(data, "list"), COLUMN))


def _column_updated(data: Data) -> Said:
    before, after = changes(part(data, "list"), mapping(data.get("old")), COLUMN)
    word = "column.updated"
    if "archived" in after:
        word = "column.archived" if after["archived"] else "column.unarchived"
    elif set(after) == {"position"}:
        word = "column.reordered"
    return Said(word, "column", id_of(data, "list"), before, after)


def _column_gone(data: Data) -> Said:
    return Said("column.deleted", "column", id_of(data, "list"))


def _board_created(data: Data) -> Said:
    return Said("board.created", "board", id_of(data, "board"), {}, named(part(data, "board"), BOARD))


def _board_updated(data: Data) -> Said:
    before, after = changes(part(data, "board"), mapping(data.get("old")), BOARD)
    return Said("board.updated", "board", id_of(data, "board"), before, after)


def _label(word: str) -> Teller:
    return lambda data: Said(f"label.{word}", "label", id_of(data, "label"))


def _membership(word: str) -> Teller:
    def tell(data: Data) -> Said:
        member = part(data, "member")
        member_id = text(data.get("idMemberAdded")) or text(data.get("idMember")) or id_of(data, "member")
        return Said(f"member.{word}", "member", member_id, {}, member_fields(member))

    return tell


# what hangs on a card ----------------------------------------------------------------------------


def _commented(data: Data) -> Said:
    return Said("comment.created", "comment", text(data["comment"]), {}, {"content": text(data.get("text"))})


def _comment_updated(data: Data) -> Said:
    comment, old = part(data, "action"), mapping(data.get("old"))
    after = {"content": text(comment.get("text") or data.get("text"))}
    return Said(
        "comment.updated", "comment", id_of(data, "action"), {"content": text(old.get("text"))}, after
    )


def _comment_deleted(data: Data) -> Said:
    return Said("comment.deleted", "comment", id_of(data, "action"))


def _item(word: str) -> Teller:
    def tell(data: Data) -> Said:
        facts = item_fields(part(data, "checkItem"), mapping(data.get("checklist")).get("name"))
        sides = _sides(word == "deleted", facts)
        return Said(f"checklist.{word}", "checklist_item", id_of(data, "checkItem"), *sides)

    return tell


def _item_updated(data: Data) -> Said:
    item, old = part(data, "checkItem"), mapping(data.get("old"))
    after = item_fields(item, mapping(data.get("checklist")).get("name"))
    before, word = item_fields(old, None), "updated"
    if "done" in after and ("state" in old or not old):
        before, word = before | {"done": not after["done"]}, "checked" if after["done"] else "unchecked"
    return Said(f"checklist.{word}", "checklist_item", id_of(data, "checkItem"), before, after)


def _checklist(word: str) -> Teller:
    """A whole checklist came, went or was renamed: no item of its own, so no entity id."""

    def tell(data: Data) -> Said:
        name = {"checklist": text(part(data, "checklist").get("name"))}
        old = text(mapping(data.get("old")).get("name"))
        before, after = _sides(word == "deleted", name)
        return Said(
            f"checklist.{word}", "checklist_item", None, before | ({"checklist": old} if old else {}), after
        )

    return tell


def _attachment(word: str) -> Teller:
    def tell(data: Data) -> Said:
        attachment = part(data, "attachment")
        facts = {key: attachment[key] for key in ("name", "url") if text(attachment.get(key))}
        return Said(
            f"attachment.{word}", "attachment", id_of(data, "attachment"), *_sides(word == "deleted", facts)
        )

    return tell


_TELLERS: dict[str, Teller] = {
    **dict.fromkeys("createCard copyCard emailCard convertToCardFromCheckItem".split(), _card_created),
    "moveCardToBoard": _card_came,
    # Seen from this board, a card that went to another board is gone, and one that came begins here.
    **dict.fromkeys("deleteCard moveCardFromBoard".split(), _card_gone),
    "addMemberToCard": _assignment("assigned"),
    "removeMemberFromCard": _assignment("unassigned"),
    "addLabelToCard": _labeling("labeled"),
    "removeLabelFromCard": _labeling("unlabeled"),
    **dict.fromkeys("createList moveListToBoard".split(), _column_created),
    "updateList": _column_updated,
    "moveListFromBoard": _column_gone,
    **dict.fromkeys("createBoard copyBoard".split(), _board_created),
    "updateBoard": _board_updated,
    "createLabel": _label("created"),
    "updateLabel": _label("updated"),
    "deleteLabel": _label("deleted"),
    "addMemberToBoard": _membership("joined"),
    "removeMemberFromBoard": _membership("left"),
    **dict.fromkeys(
        "makeAdminOfBoard makeNormalMemberOfBoard makeObserverOfBoard".split(), _membership("updated")
    ),
    **dict.fromkeys("commentCard copyCommentCard".split(), _commented),
    "updateComment": _comment_updated,
    "deleteComment": _comment_deleted,
    "createCheckItem": _item("created"),
    "updateCheckItem": _item_updated,
    "updateCheckItemStateOnCard": _item_updated,
    "deleteCheckItem": _item("deleted"),
    "addChecklistToCard": _checklist("created"),
    "copyChecklist": _checklist("created"),
    "updateChecklist": _checklist("updated"),
    "removeChecklistFromCard": _checklist("deleted"),
    "addAttachmentToCard": _attachment("created"),
    "deleteAttachmentFromCard": _attachment("deleted"),
}
