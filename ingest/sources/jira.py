"""Reads Jira Cloud: boards, their issues as cards, and the issues' changelogs as what happened; hears its webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from ingest.sources import Board, BoardGone, Clock, Delivery, Heard, HookRefused, Level, Page, SourceRefused
from ingest.sources.hearing import prove, signature
from ingest.sources.jira_board import Layout, snapshot
from ingest.sources.jira_events import people_in, told_by
from ingest.sources.jira_fields import ISSUE, SOURCE, Json, id_of
from ingest.sources.jira_walk import Walk, border
from ingest.sources.site import Site
from ingest.sources.values import mapping, objects
from ingest.sources.wire import Answer, Door, Wire
from warehouse.model import Entity, Event, Snapshot

DOOR = Door("Jira", "JIRA_BASE_URL", "JIRA_EMAIL and JIRA_TOKEN")
_STEPS = {
    "JIRA_BASE_URL": "give the address of your site, as in https://example.atlassian.net",
    "JIRA_EMAIL": "give the e-mail address of the account the token belongs to",
    "JIRA_TOKEN": "make one at https://id.atlassian.com/manage-profile/security/api-tokens",
}
_API = "/rest/api/2"  # as 3, but rich text is told as text, as the changelog tells it too
_ISSUES = 100  # the most a search tells at once where more than ids are asked for
_HISTORIES = 1000
_COMMENTS = 100
_PACE = timedelta(milliseconds=100)


def connect(settings: Mapping[str, str]) -> Jira:
    """The Jira these settings name; raises SourceRefused, naming the one that is missing or wrong."""
    for name, step in _STEPS.items():
        if not settings.get(name):
            raise SourceRefused(f"{name} is not set; {step}")
    boards = [each.strip() for each in settings.get("JIRA_BOARDS", "").split(",") if each.strip()]
    for board in boards:
        if not board.isdecimal():
            raise SourceRefused(f"JIRA_BOARDS names {board!r}; give numbers, as in …/boards/<number>")
    return Jira(*(settings[name] for name in _STEPS), board_ids=boards)


class Jira(Site):
    """One Jira site, as one account sees it. Safe to use from several threads."""

    name = SOURCE
    rest = timedelta(minutes=1)

    def __init__(
        self,
        base_url: str,
        email: str,
        token: str,
        *,
        board_ids: list[str] | None = None,
        transport: httpx.BaseTransport | None = None,
        page: int = _ISSUES,
        pace: timedelta = _PACE,
        first_wait: timedelta = timedelta(seconds=1),
    ) -> None:
        """`board_ids` are the boards to read, none given: all. Raises SourceRefused where address or key cannot be right."""
        self._board_ids, self._page = board_ids or [], page
        self._wire = Wire(
            base_url,
            headers={},
            auth=httpx.BasicAuth(DOOR.key(email), DOOR.key(token)),
            door=DOOR,
            transport=transport,
            first_wait=first_wait,
            pace=pace,
        )
        super().__init__(self._wire)

    def boards(self) -> list[Board]:
        """The boards asked for, or every board the account sees. One asked for that is gone keeps its place."""
        if self._board_ids:
            return [self._board(board_id) for board_id in self._board_ids]
        found: list[Board] = []
        start = 0
        while True:
            answer = self._wire.get("/rest/agile/1.0/board", {"startAt": str(start), "maxResults": "50"})
            if "FAILED" in answer.headers.get(
                "x-seraph-loginreason", ""
            ):  # Jira goes on as if nobody had signed in
                raise SourceRefused(f"{answer.asked} does not know the account; check {DOOR.key_setting}")
            values = _listed(answer, "values")
            found += [
                Board(board, str(each.get("name") or ""))
                for each in values
                if (board := id_of(each.get("id")))
            ]
            start += len(values)
            if not values or mapping(answer.told).get("isLast") is not False:
                return found

    def probe(self, board_id: str) -> Level:  # noqa: ARG002 - other sources look
        """Every board has its log."""
        return "log"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""
        taken_at, layout = clock(), self._layout(board_id)
        answer = self._wire.get(f"{_API}/status")
        statuses = objects(answer.told) if isinstance(answer.told, list) else _listed(answer, "values")
        issues: dict[str | None, Json] = {}
        for page, _ in self._issues(layout, Walk(), ISSUE):
            issues.update((id_of(issue.get("id")), issue) for issue in page)
        return snapshot(layout, issues.values(), statuses, taken_at)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """What happened to the board's issues after `after`, issue by issue, each oldest first.

        Of an issue that has changed the whole past is told: it may be new on the board, and the log knows what it has.
        """
        layout, begin = self._layout(board_id), Walk.of(after)
        walk = begin
        for issues, answer in self._issues(layout, begin, [*ISSUE, "comment"]):
            walk = walk.begun(_date(answer) or clock()).after(issues)
            news = [issue for issue in issues if begin.is_news(issue)]
            if news:
                events, who = self._told(news, layout, clock())
                yield Page(events, str(walk), who)
        position = str(walk.ended())
        if position != after:
            yield Page((), position)
        if begin.created is not None:
            # An old walk has come to its end: what changed behind it is still to be told.
            yield from self.activity(board_id, position, clock)

    def _board(self, board_id: str) -> Board:
        try:
            return Board(board_id, self._layout(board_id).title)
        except BoardGone:
            return Board(board_id, "")

    def _layout(self, board_id: str) -> Layout:
        answer = self._wire.get(f"/rest/agile/1.0/board/{board_id}/configuration", board_id=board_id)
        layout = Layout.of(mapping(answer.told), board_id)
        if layout is None:
            raise answer.changed("told no `filter` and `columnConfig`")
        return layout

    def _told(
        self, issues: list[Json], layout: Layout, now: datetime
    ) -> tuple[tuple[Event, ...], tuple[Entity, ...]]:
        """The events of issues, each one's in the order they happened, and the people they name."""
        past = self._histories([thing for issue in issues if (thing := id_of(issue.get("id")))])
        events: list[Event] = []
        who: dict[str, Entity] = {}
        for issue in map(self._with_comments, issues):
            histories = past.get(str(id_of(issue.get("id"))), [])
            events += told_by(issue, histories, now, board_id=layout.board_id, column_of=layout.column_of)
            who |= {person.entity_id: person for person in people_in(issue, histories)}
        return tuple(sorted(events, key=lambda event: event.occurred_at)), tuple(who.values())

    def _issues(self, layout: Layout, walk: Walk, fields: list[str]) -> Iterator[tuple[list[Json], Answer]]:
        """The issues of a walk by pages, in the order they were created, each as often as it is met.

        Where a page ends in a later minute than it began, the search begins again there: so nobody who leaves the
        board meanwhile pulls others past us. Within one minute Jira's own page marks lead on.
        """
        created, token, met = walk.created or 0, None, set[str]()
        while True:
            body = {"jql": walk.jql(layout.filter_id, created), "fields": fields, "maxResults": self._page}
            answer = self._wire.post(f"{_API}/search/jql", body | ({"nextPageToken": token} if token else {}))
            issues = _listed(answer, "issues")
            yield [issue for issue in issues if str(id_of(issue.get("id"))) not in met], answer
            following = _following(answer, token)
            if following is None:
                return
            names = {str(id_of(issue.get("id"))) for issue in issues}
            if border(issues) > created:
                created, token, met = border(issues), None, names
            else:
                token, met = following, met | names

    def _histories(self, issues: list[str]) -> dict[str, list[Json]]:
        """The changelogs of issues, by issue."""
        found: dict[str, list[Json]] = {}
        token: str | None = None
        while issues:
            body = {"issueIdsOrKeys": issues, "maxResults": _HISTORIES}
            answer = self._wire.post(
                f"{_API}/changelog/bulkfetch", body | ({"nextPageToken": token} if token else {})
            )
            for log in _listed(answer, "issueChangeLogs"):
                found.setdefault(str(id_of(log.get("issueId"))), []).extend(
                    objects(log.get("changeHistories"))
                )
            token = _following(answer, token)
            if token is None:
                break
        return found

    def _with_comments(self, issue: Json) -> Json:
        """The issue with all its comments: a search tells some of them, and how many there are."""
        fields = mapping(issue.get("fields"))
        told = mapping(fields.get("comment"))
        comments = {str(each.get("id")): each for each in objects(told.get("comments"))}
        start, total = 0, told.get("total")
        while isinstance(total, int) and len(comments) < total:
            path = f"{_API}/issue/{id_of(issue.get('id'))}/comment"
            params = {"startAt": str(start), "maxResults": str(_COMMENTS), "orderBy": "created"}
            try:
                more = _listed(self._wire.get(path, params, board_id="the issue's"), "comments")
            except BoardGone:  # the issue is, since it was found
                break
            if not more:
                break
            comments |= {str(each.get("id")): each for each in more}
            start += len(more)
        return (
            {**issue, "fields": {**fields, "comment": {"comments": list(comments.values())}}}
            if start
            else issue
        )


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:  # noqa: ARG001 - it tells nothing itself
    """Rings the boards that the webhook's address names (`?board=1,2`): a delivery does not say where an issue stands."""
    if not secret:
        raise HookRefused("JIRA_HOOK_SECRET is not set; give the secret that the webhook was made with")
    expected = "sha256=" + signature(delivery.body, secret, "sha256").hex()
    prove(delivery.headers.get("x-hub-signature", ""), expected, "the header x-hub-signature")
    boards = tuple(
        dict.fromkeys(each for each in delivery.query.get("board", "").split(",") if each.isdecimal())
    )
    return Heard(
        rings=boards, answer="" if boards else "name the boards in the webhook's address: ?board=1,2"
    )


def _listed(answer: Answer, name: str) -> list[Json]:
    """The objects in the list `name` of an answer; raises SourceChanged where there is no such list."""
    told = mapping(answer.told).get(name)
    if not isinstance(told, list):
        raise answer.changed(f"told no `{name}`")
    return objects(told)


def _following(answer: Answer, token: str | None) -> str | None:
    """The mark of the page that follows, None on the last one."""
    told = mapping(answer.told)
    following = told.get("nextPageToken")
    if following is not None and (following == token or not isinstance(following, str)):
        raise answer.changed("told no new `nextPageToken`")
    return None if told.get("isLast") is True else following or None


def _date(answer: Answer) -> datetime | None:
    """Jira's own clock."""
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None
