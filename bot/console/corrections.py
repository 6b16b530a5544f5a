"""The form on which a member of staff says what a message was, and whether it may become an example to learn from."""

from __future__ import annotations

import logging

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console.anonymous import anonymous, left_over
from bot.console.case import find_case
from bot.console.conversations import conversation_of, fingerprint
from bot.console.labels import CATEGORIES
from bot.console.transcript import Line, plain_text, read_line
from bot.console.visits import BASE, Visit
from bot.handoff import corrections
from bot.handoff.corrections import MAXIMUM_TEXT_LENGTH, CorrectionError, Judgement

logger = logging.getLogger(__name__)
CHECKED = "ja"


def correction_page(visit: Visit) -> Response:
    """The message, how it was read, and the form."""
    return _shown(visit)


def correct(visit: Visit) -> Response:
    """Keep the judgement and go back to the message."""
    form, message = visit.form, visit.number("message_id")
    try:
        judgement = Judgement(form.get("level", ""), form.get("category") or None, _text_to_learn_from(visit))
        with visit.console.database.transaction() as connection:
            conversation, _ = _conversation_and_line(visit, connection)
            corrections.correct(
                connection, visit.console.cipher, message, visit.who.staff_id, judgement, visit.console.now()
            )
    except CorrectionError as error:
        return _shown(visit, 409, str(error))
    logger.info("staff %d judged message %d of conversation %s", visit.who.staff_id, message, fingerprint(conversation))
    visit.console.notifications.notify(f"conversation:{conversation}")
    return visit.go_to(f"{_page_behind(visit)}#m{message}")


def _text_to_learn_from(visit: Visit) -> str | None:
    """The text that may be used; None without consent.

    Raises:
        CorrectionError: nobody read the text, or it still finds a person.
    """
    if visit.form.get("consent") != CHECKED:
        return None
    if visit.form.get("read") != CHECKED:
        raise CorrectionError("Lees de tekst hieronder na en vink aan dat er niemand in te herkennen is.")
    text = visit.form.get("text", "")
    if found := left_over(text):
        raise CorrectionError(f"In de tekst staat nog iets waarmee iemand te vinden is: {', '.join(found)}")
    return text


def _shown(visit: Visit, status: int = 200, error: str | None = None) -> Response:
    """The form; after a refusal with its reason and with what was filled in."""
    with visit.console.database.reading() as connection:
        _, line = _conversation_and_line(visit, connection)
    return visit.render(
        "correction.html",
        status,
        line=line,
        filled_in=visit.form if error else _filled_in(line),
        suggestion=visit.form.get("text") or _suggestion(line),
        categories=CATEGORIES,
        page_behind=_page_behind(visit),
        error=error,
        checked=CHECKED,
        maximum=MAXIMUM_TEXT_LENGTH,
    )


def _filled_in(line: Line) -> dict[str, str]:
    """What the form starts with: what was said before. Consent is asked anew each time."""
    if line.correction is None:
        return {}
    return {"level": line.correction.judgement.level, "category": line.correction.judgement.category or ""}


def _suggestion(line: Line) -> str:
    if line.correction and line.correction.judgement.text is not None:
        return line.correction.judgement.text
    return anonymous(plain_text(line))[:MAXIMUM_TEXT_LENGTH]


def _conversation_and_line(visit: Visit, connection: Connection) -> tuple[str, Line]:
    """The conversation of the page that the form belongs to, and its message; raises HTTPException 404."""
    cipher = visit.console.cipher
    if "case_id" in visit.request.path_params:
        case = find_case(connection, cipher, visit.number("case_id"))
        conversation = case.conversation if case else ""
    else:
        conversation = conversation_of(visit.request.path_params["reference"], cipher)
    line = read_line(connection, cipher, conversation, visit.number("message_id"))
    if line is None:
        raise HTTPException(404)
    return conversation, line


def _page_behind(visit: Visit) -> str:
    parameters = visit.request.path_params
    if "case_id" in parameters:
        return f"{BASE}/cases/{visit.number('case_id')}"
    return f"{BASE}/conversations/{parameters['reference']}"
