"""How fast labels are drawn, by form and size, in seconds of one core.

python -m benchmarks.waybills [--rounds 3] [--seconds 2]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import click

from benchmarks.stage import machine, verdict
from vault_gateway.labels.bitmap import picture_of, png_of, zpl_of
from vault_gateway.labels.layout import Label, Masked, marks_of
from vault_gateway.labels.marks import SIZES, Size
from vault_gateway.labels.pdf import pdf_of

PAGES = 40
AIM = 150.0
LABEL = Label(
    waybill_no="DYT0000000000000",
    carrier="example-express",
    network="Douyin",
    recipient=Masked("张**", "1******1234", "浙江省杭州市西湖区转塘街道****"),
    sender=Masked("李**", "1******4321", "广东省深圳市南山区****"),
    routing_code="571-A12-07",
    call="17000000000 转 471123",
    receipt="https://vault.example.com/receipt/rc_01m74sxx00e0bsd4q3g5gjje8w",
    day="2026-11-11",
)


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=2.0, show_default=True)
def main(rounds: int, seconds: float) -> None:
    """Labels a second of one core."""
    print(f"waybills: labels, {machine()}")
    met = True
    for name, size in SIZES.items():
        rate = a_core(batch(size), rounds, seconds)
        met &= verdict(f"{name}, PDF of {PAGES} pages: labels/s a core", rate, AIM)
        for form, dpi in (("pdf", 0), ("png", 203), ("zpl", 203), ("png", 300), ("zpl", 300)):
            told = f"{name}, one {form}" + (f" of {dpi} dpi" if dpi else "")
            print(f"  {told:<44} {a_core(single(size, form, dpi), rounds, seconds):>10,.0f} labels/s a core")
    sys.exit(0 if met else 1)


def a_core(step: Callable[[], int], rounds: int, seconds: float) -> float:
    """Labels a second of processor time: the median of rounds, after one that fills the caches."""
    step()
    rates = []
    for _ in range(rounds):
        began, done = time.process_time(), 0
        while (took := time.process_time() - began) < seconds:
            done += step()
        rates.append(done / took)
    return median(rates)


def batch(size: Size) -> Callable[[], int]:
    labels = [replace(LABEL, waybill_no=f"DYT{at:013d}") for at in range(PAGES)]

    def step() -> int:
        pdf_of((marks_of(label, size) for label in labels), size)
        return PAGES

    return step


def single(size: Size, form: str, dpi: int) -> Callable[[], int]:
    """Each with a number of its own, as none is drawn twice."""
    made = iter(range(10**9))

    def step() -> int:
        marks = marks_of(replace(LABEL, waybill_no=f"DYT{next(made):013d}"), size)
        if form == "pdf":
            pdf_of([marks], size)
        elif form == "png":
            png_of(picture_of(marks, size, dpi), dpi)
        else:
            zpl_of(picture_of(marks, size, dpi))
        return 1

    return step


if __name__ == "__main__":
    main()
