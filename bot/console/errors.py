"""Pages for what went wrong, in plain Dutch."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

TEXTS = {
    400: ("Dit begrepen we niet", "De browser stuurde iets dat deze pagina niet kent. Ga terug en probeer het weer."),
    403: ("Geen toegang", "Je mag deze pagina niet openen. Vraag een beheerder als je denkt dat dit niet klopt."),
    404: ("Niet gevonden", "Deze pagina bestaat niet (meer). Misschien is het gesprek gewist of de zaak verdwenen."),
    405: ("Dit kan hier niet", "Ga terug naar de wachtrij en probeer het vanaf daar."),
    413: ("Te veel tekst", "Wat je stuurde is te groot. Maak het korter en probeer het opnieuw."),
    500: (
        "Er ging iets mis",
        "Dit ligt aan het programma, niet aan jou. Probeer het weer, en meld het als het zo blijft.",
    ),
}
EXPIRED_FORM = (
    "Dit formulier is verlopen",
    "Om veiligheid is er niets gewijzigd of verstuurd. Ga terug, ververs de pagina en probeer het opnieuw.",
)


def error_page(templates: Environment) -> Callable[[Request, Exception], Response]:
    """The handler that shows an error as a page."""

    def handler(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        title, advice = TEXTS.get(status, TEXTS[500])
        if isinstance(error, HTTPException) and (status, error.detail) == (403, "form"):
            title, advice = EXPIRED_FORM
        html = templates.get_template("error.html").render(session=None, title=title, advice=advice, status=status)
        headers = error.headers if isinstance(error, HTTPException) else None
        return HTMLResponse(html, status_code=status, headers=headers)

    return handler
