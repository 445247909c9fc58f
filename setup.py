"""What pyproject.toml cannot say: `policies/` lies beside the package for its readers, inside it when installed."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPolicies(build_py):
    """An editable install has the checkout's folder beside it and needs no copy."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            inside = Path(self.build_lib) / "vault_gateway" / "policies"
            shutil.rmtree(inside, ignore_errors=True)
            shutil.copytree("policies", inside)


setup(cmdclass={"build_py": BuildWithPolicies})
