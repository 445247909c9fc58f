"""What tests of limits do again and again."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask
from werkzeug.test import TestResponse

from tests import canaries
from tests.world import Actor


def through(app: Flask, actor: Actor) -> Actor:
    return replace(actor, app=app)


def tokenise(actor: Actor) -> TestResponse:
    return actor.post("/v1/tokens", {"items": canaries.items_of(canaries.person())})
