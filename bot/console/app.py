"""The staff console as routes for the application: sign-in, queue, cases, conversations, accounts."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.console import case, conversations, corrections, labels, presence, queue, signing_in, staff_accounts, times
from bot.console.errors import error_page
from bot.console.events import events_endpoint
from bot.console.security import SecurityHeaders
from bot.console.visits import BASE, Console, page
from bot.handoff.cases import OUTCOMES
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications

HERE = Path(__file__).resolve().parent
MAXIMUM_BODY_BYTES = 64 * 1024


def console_routes(
    database: Database, cipher: Cipher, notifications: Notifications, settings: Settings
) -> list[BaseRoute]:
    """The console, mounted at `/staff` under the name `staff`.

    Args:
        database: prepared.
        cipher: with the key of the data.
        notifications: what wakes open pages; staff's actions wake the channels through it.
        settings: for addresses, the time zone and whether cookies need https.
    """
    console = Console(database, cipher, notifications, settings, make_templates())
    on_error = error_page(console.templates)
    application = Starlette(
        routes=_routes(console),
        exception_handlers={HTTPException: on_error, Exception: on_error},
    )
    return [Mount(BASE, app=SecurityHeaders(application), name="staff", max_body_size=MAXIMUM_BODY_BYTES)]


def make_templates() -> Environment:
    """The templates, with the console's words as filters; everything is escaped."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "level": labels.level_label,
        "audience": labels.audience_label,
        "part": labels.part_label,
        "effect": labels.effect_label,
        "moment": times.shown_moment,
        "wait": times.shown_wait,
    }
    templates.globals |= {
        "category_label": labels.category_label,
        "judgement_label": labels.judgement_label,
        "CHANNELS": labels.CHANNELS,
        "STATES": labels.STATES,
        "HANDOFFS": labels.HANDOFFS,
        "DELIVERIES": labels.DELIVERIES,
        "EVENTS": labels.EVENTS,
        "JUDGEMENTS": labels.JUDGEMENTS,
        "OUTCOMES": OUTCOMES,
        "BASE": BASE,
    }
    return templates


def _routes(console: Console) -> list[BaseRoute]:
    return [
        Mount("/static", app=StaticFiles(directory=HERE / "static"), name="static"),
        Route("/events", events_endpoint(console), methods=["GET"]),
        *_sign_in_routes(console),
        *_case_routes(console),
        *_account_routes(console),
    ]


def _sign_in_routes(console: Console) -> list[BaseRoute]:
    both = ["GET", "POST"]
    return [
        Route(
            "/sign-in",
            page(console, get=signing_in.sign_in_page, post=signing_in.sign_in, only="anyone"),
            methods=both,
        ),
        Route(
            "/sign-in/{token}",
            page(console, get=signing_in.link_page, post=signing_in.follow_link, only="anyone"),
            methods=both,
        ),
        Route(
            "/welcome", page(console, get=signing_in.welcome_page, post=signing_in.welcome, only="new"), methods=both
        ),
        Route("/sign-out", page(console, post=signing_in.sign_out), methods=["POST"]),
        Route("/available", page(console, post=presence.set_available), methods=["POST"]),
    ]


def _case_routes(console: Console) -> list[BaseRoute]:
    actions = {
        "claim": case.claim,
        "take-over": case.take_over,
        "reply": case.reply,
        "give-back": case.give_back,
        "close": case.close,
    }
    return [
        Route("/", page(console, get=queue.queue_page), methods=["GET"]),
        Route("/cases/{case_id:int}", page(console, get=case.case_page), methods=["GET"]),
        *(
            Route(f"/cases/{{case_id:int}}/{name}", page(console, post=action), methods=["POST"])
            for name, action in actions.items()
        ),
        Route("/conversations", page(console, get=conversations.conversations_page), methods=["GET"]),
        Route("/conversations/{reference}", page(console, get=conversations.conversation_page), methods=["GET"]),
        *(
            Route(
                f"{where}/messages/{{message_id:int}}/correction",
                page(console, get=corrections.correction_page, post=corrections.correct),
                methods=["GET", "POST"],
            )
            for where in ("/cases/{case_id:int}", "/conversations/{reference}")
        ),
    ]


def _account_routes(console: Console) -> list[BaseRoute]:
    actions = {
        "link": staff_accounts.new_link,
        "role": staff_accounts.change_role,
        "close": staff_accounts.close_account,
        "reopen": staff_accounts.reopen_account,
    }
    return [
        Route(
            "/staff-accounts",
            page(console, get=staff_accounts.staff_page, post=staff_accounts.add, only="admin"),
            methods=["GET", "POST"],
        ),
        *(
            Route(
                f"/staff-accounts/{{staff_id:int}}/{name}", page(console, post=action, only="admin"), methods=["POST"]
            )
            for name, action in actions.items()
        ),
    ]
