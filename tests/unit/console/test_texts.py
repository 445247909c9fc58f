"""Every word of the pages in every language."""

from __future__ import annotations

import pytest

from vault_gateway.console.texts import LANGUAGES, TEXTS
from vault_gateway.reveals.machine import BREAK_GLASS
from vault_gateway.reveals.purposes import KIND_OF_FIELD, load_purposes
from vault_gateway.settings.policies import default_policies
from vault_gateway.waybills.states import State


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_words_for_all_that_can_stand_on_a_page(language: str) -> None:
    texts = TEXTS[language]
    purposes = [*load_purposes(default_policies() / "purposes.yaml").by_name, BREAK_GLASS]
    needed = {f"state.{state.value}" for state in State}
    needed |= {f"field.{field}" for field in KIND_OF_FIELD}
    needed |= {f"why.{why}" for why in (*purposes, "call", "message", "notice")}
    assert needed - texts.keys() == set()
    assert all(texts.values())


def test_all_languages_have_the_same_words() -> None:
    assert {frozenset(TEXTS[language]) for language in LANGUAGES} == {frozenset(TEXTS["zh"])}
