"""All benchmarks, one after another: `python -m benchmarks`.

A missed aim does not keep the others from running; the end names them."""

from __future__ import annotations

import subprocess
import sys

import click

BENCHMARKS = ("decisions", "tokenize", "reveal", "waybills", "relay", "flows")


@click.command()
def main() -> None:
    """Run every benchmark; exit 1 if one missed an aim."""
    missed = [name for name in BENCHMARKS if subprocess.call([sys.executable, "-m", f"benchmarks.{name}"])]
    print(f"Aims missed in: {', '.join(missed)}" if missed else "Every aim is met.")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
