"""The help ladder: light where it can be, heavier at once when a separation escalates (seed 'Met elkaar uit elkaar')."""

from __future__ import annotations

# Signs, in one conversation, that parents no longer manage together.
ESCALATION_INTENTS = frozenset({"klem_tussen_ouders", "contactverlies", "communicatie_ex", "omgang_niet_nagekomen"})
# How many of such messages it takes to offer step 1, 2 and 3.
SIGNS_FOR_STEP = (2, 4, 6)


def shows_escalation(intent: str) -> bool:
    """Whether a message of this intent is a sign of escalation."""
    return intent in ESCALATION_INTENTS


def next_step(signs: int, offered: int) -> int | None:
    """The step of the ladder to offer now.

    Args:
        signs: messages so far, this one included, that show escalation.
        offered: the highest step that was offered before, 0 for none.

    Returns:
        1, 2 or 3; None when it is not time for a further step.
    """
    step = sum(signs >= needed for needed in SIGNS_FOR_STEP)
    return step if step > offered else None
