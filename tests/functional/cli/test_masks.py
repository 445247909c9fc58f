"""`vault-gateway masks check` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vault_gateway.settings.policies import default_policies


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vault_gateway", "masks", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_profile_that_ships_is_good_and_its_masks_are_shown() -> None:
    done = check("--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = {row["value"]: row["masked"] for row in json.loads(done.stdout)}
    assert shown["+8613800138000"] == "1******8000"
    assert shown["张三"] == "张**"
    assert "浙江省杭州市西湖区转塘街道****" in shown.values()

    lines = check().stdout.splitlines()
    assert "phone    +8613800138000 -> 1******8000" in lines
    assert lines[-1] == "The profile hides what the standard asks for."


@pytest.mark.parametrize(
    ("kind", "change", "why"),
    [
        ("phone", {"hide_at_least": 4}, "phone.hide_at_least: GB/T 41833-2022 hides at least 6 digits"),
        ("name", {"hide_at_least": 0}, "name.hide_at_least: GB/T 41833-2022 hides at least one character"),
        ("name", {"keep_first": 2}, "name.keep_first: more than the first character tells who it is"),
        ("address", {"keep": ["province", "detail"]}, "address.keep.1: GB/T 41833-2022 hides what is behind"),
    ],
)
def test_one_that_hides_less_is_refused_with_the_rule(
    tmp_path: Path, kind: str, change: dict[str, object], why: str
) -> None:
    profile = yaml.safe_load((default_policies() / "masking.yaml").read_text(encoding="utf-8"))
    profile[kind] |= change
    (tmp_path / "masking.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")

    done = check("--policies", str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"masking.yaml: {why}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
