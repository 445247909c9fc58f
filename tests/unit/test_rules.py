"""The policy folder, read as a whole or refused: no file of it ends the process that reads it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask

from vault_gateway import rules
from vault_gateway.access import Policies, load_policies
from vault_gateway.errors import PolicyFileError
from vault_gateway.networks.loading import load_networks
from vault_gateway.notices.templates import load_templates
from vault_gateway.quotas import load_quotas
from vault_gateway.retention import load_retention
from vault_gateway.reveals.purposes import load_purposes
from vault_gateway.rules import RulesInForce, load_rules
from vault_gateway.settings.policies import default_policies
from vault_gateway.tokens.masks import MaskingProfile

READERS: Mapping[str, Callable[[Path], object]] = {
    "access/cases.yaml": lambda path: load_policies(path.parent),
    "access/courier.cedar": lambda path: load_policies(path.parent),
    "masking.yaml": MaskingProfile.load,
    "networks/douyin.yaml": lambda path: load_networks(path.parent),
    "notices.yaml": load_templates,
    "purposes.yaml": load_purposes,
    "quotas.yaml": load_quotas,
    "retention.yaml": load_retention,
}
UNREADABLE = {
    "no text": b"\xff\xfe",
    "no such day": b"from: 2026-02-30\n",
    "endless": b"[" * 400,
    "nothing": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_policies(), tmp_path / "policies"))


@pytest.mark.parametrize("file", sorted(READERS))
def test_what_cannot_be_read_is_a_fault_of_its_file(folder: Path, file: str) -> None:
    for content in UNREADABLE.values():
        (folder / file).write_bytes(content)
        with pytest.raises(PolicyFileError):
            READERS[file](folder / file)


def test_a_reader_that_misses_a_file_of_the_old_copy_goes_by_the_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old copy is removed a file after the other: what is left of it may be good by itself."""
    link, old = folder.parent / "current", folder
    new = Path(shutil.copytree(old, folder.parent / "new"))
    link.symlink_to(old)

    def load_meanwhile(access: Path) -> Policies:
        if access.parent == old.resolve():
            turned = folder.parent / "turned"
            turned.symlink_to(new)
            turned.replace(link)
            (old / "networks" / "jd.yaml").unlink()
        return load_policies(access)

    monkeypatch.setattr(rules, "load_policies", load_meanwhile)
    assert "jd" in load_rules(link).networks


def test_a_request_goes_by_one_set_from_its_first_question_to_its_last(folder: Path) -> None:
    old = load_rules(folder)
    in_force, new = RulesInForce(old), load_rules(folder)
    with Flask(__name__).test_request_context():
        assert in_force.purposes() is old.purposes
        in_force.replace(new)
        assert in_force.quotas() is old.quotas
        assert in_force.networks() is old.networks
    with Flask(__name__).test_request_context():
        assert in_force.quotas() is new.quotas
        assert in_force.purposes() is new.purposes


def test_beside_requests_a_new_set_holds_at_once(folder: Path) -> None:
    in_force, new = RulesInForce(load_rules(folder)), load_rules(folder)
    in_force.replace(new)
    assert in_force.flows_kept() is new.retention.flows
