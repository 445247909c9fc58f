"""Parcels and the pages of their recipients."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Flask
from werkzeug.test import TestResponse

from tests.canaries import Person
from tests.world import Tokens, Town

ENTRY = re.compile(r"<li class=\"(\w+)\">(.*?)</li>", re.DOTALL)


@dataclass
class Parcel:
    """Out for delivery with the town's courier, and the code that is printed on its label."""

    town: Town
    recipient: Person
    tokens: Tokens
    waybill_no: str

    @property
    def code(self) -> str:
        shown = self.town.merchant.get(f"/v1/waybills/{self.waybill_no}").get_json()
        return str(shown["receipt"])

    def entries(self) -> list[tuple[str, str]]:
        """Who looked, and the words that tell of it, newest first."""
        page = look(self.town.world.app, self.code)
        assert page.status_code == 200, page.text
        return [(who, words(inner)) for who, inner in ENTRY.findall(page.text)]


def look(app: Flask, code: str, language: str = "en") -> TestResponse:
    return app.test_client().get(f"/receipt/{code}?lang={language}")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
