"""Organisations near a municipality, for a topic and an audience (`config/directory/organisations.csv`)."""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[2] / "config" / "directory"
SHOWN = 4
NATIONAL = "landelijk"
# Lines that belong to danger and complaints are offered there, not as an answer to "where is help".
NOT_LISTED_KINDS = (
    "noodnummer",
    "politie",
    "overheid",
    "rechter",
    "kenniscentrum",
    "onderzoek",
    "subsidiegever",
    "samenwerking gemeenten",
)
_GENERAL_SERVICES = ("spreekuur", "lotgenoten", "kindergroep", "mediation", "jeugdhulp_aanvragen", "online_training")


@dataclass(frozen=True)
class Organisation:
    """One organisation; website and phone are None where they are not confirmed."""

    name: str
    kind: str
    services: frozenset[str]
    regions: frozenset[str]
    audiences: frozenset[str]
    access: str
    website: str | None
    phone: str | None

    @property
    def is_national(self) -> bool:
        """Whether it works everywhere in the country."""
        return NATIONAL in self.regions

    def as_text(self) -> str:
        """Name and kind, then phone and website, each on its own line."""
        lines = [f"{self.name} ({self.kind})"]
        if self.phone:
            lines.append(f"Bel {self.phone}")
        if self.website:
            lines.append(self.website)
        if self.access == "referral":
            lines.append("Hiervoor is meestal een verwijzing nodig.")
        elif self.access == "court":
            lines.append("Dit loopt via de rechter.")
        return "\n".join(lines)


@functools.lru_cache(maxsize=1)
def organisations() -> tuple[Organisation, ...]:
    """All confirmed organisations that still exist."""
    found = []
    for row in _rows("organisations.csv"):
        if row["status"] != "confirmed":
            continue
        found.append(
            Organisation(
                name=row["name"],
                kind=row["kind"],
                services=frozenset(_split(row["services"])),
                regions=frozenset(_split(row["region"])),
                audiences=frozenset(_split(row["audience"])),
                access=row["access"],
                website=row["website"] or None,
                phone=row["phone"] or None,
            )
        )
    return tuple(found)


@functools.lru_cache(maxsize=1)
def _regions_of() -> dict[str, frozenset[str]]:
    """Municipality to the names of all regions that it lies in, its own name among them."""
    regions: dict[str, set[str]] = {}
    for row in _rows("municipalities.csv"):
        own = {row["municipality"], row["province"], f"{row['province']} (provincie)"}
        regions[row["municipality"]] = own | {row["jeugdregio"], row["veilig_thuis_region"]} - {""}
    for row in _rows("regions.csv"):
        for municipality in _split(row["municipalities"]):
            if municipality in regions:
                regions[municipality].add(row["region"])
    return {name: frozenset(found) for name, found in regions.items()}


def find_near(municipality: str, topic: str | None, audience: str | None, asked: str = "") -> list[Organisation]:
    """At most four organisations in or around a municipality, the best fitting first; national ones fill up.

    Args:
        municipality: CBS name.
        topic: the topic that was talked about last; organisations for it come first.
        audience: whom they have to be for; None leaves everyone in.
        asked: the question's own words, in which a service may be named.

    Returns:
        Empty when nothing local is known, so that the caller can say so.
    """
    regions = _regions_of().get(municipality, frozenset({municipality}))
    wanted = _wanted(topic, asked)
    local = [one for one in _for(audience) if one.regions & regions]
    if not local:
        return []
    local.sort(key=lambda one: (-_fit(one, wanted), municipality not in one.regions, one.name))
    chosen = local[: SHOWN - 1]
    names = {one.name for one in chosen}
    return (
        chosen + [one for one in find_national(topic, audience, asked) if one.name not in names][: SHOWN - len(chosen)]
    )


def find_national(topic: str | None, audience: str | None, asked: str = "") -> list[Organisation]:
    """At most three organisations that are there for everyone, the best fitting first."""
    wanted = _wanted(topic, asked)
    national = [one for one in _for(audience) if one.is_national and one.kind.split(" ")[0] != "register"]
    national.sort(key=lambda one: (-_fit(one, wanted), not (one.phone or one.website), one.name))
    return national[: SHOWN - 1]


def _for(audience: str | None) -> list[Organisation]:
    return [
        one
        for one in organisations()
        if (audience is None or audience in one.audiences)
        and not one.kind.startswith(NOT_LISTED_KINDS)
        and one.services
    ]


def named_services(asked: str) -> list[str]:
    """The services that a text names by their own words, such as "spreekuur"."""
    return sorted(
        service for service in _all_services() if re.search(rf"\b{re.escape(service.replace('_', ' '))}", asked.lower())
    )


def _wanted(topic: str | None, asked: str) -> frozenset[str]:
    return frozenset({*named_services(asked), *([topic] if topic else [])})


@functools.lru_cache(maxsize=1)
def _all_services() -> frozenset[str]:
    return frozenset(service for one in organisations() for service in one.services)


def _fit(organisation: Organisation, wanted: frozenset[str]) -> int:
    return 10 * len(organisation.services & wanted) + sum(
        service in organisation.services for service in _GENERAL_SERVICES
    )


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(";") if part.strip()]


def _rows(name: str) -> list[dict[str, str]]:
    with (DIRECTORY / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
