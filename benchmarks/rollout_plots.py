"""Plots of the rollout judge for the documentation, as plain SVG: readable in a diff, and without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rollout_peers import PEERS
from rollout_traffic import SCENARIOS, canary_requests, looks_of, rollbacks, rollout_weights, simulate

from readiness.rollout.judge import Judge
from readiness.rollout.spec import MetricSpec, RolloutSpec

SPEC = RolloutSpec((MetricSpec("errors", promote_below=0.01, rollback_above=0.1),))
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 340, 70, 46, 150, 50
COLOURS = ("#1a7f5a", "#d98c00", "#c2410c", "#7c2d92", "#4b5563")
STYLE = "font-family:system-ui,sans-serif;font-size:12px"


@dataclass(frozen=True)
class Axes:
    """Where values land on the drawing."""

    x_most: float
    y_least: float
    y_most: float

    def x(self, value: float) -> float:
        """Returns the horizontal place of a value."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_most, 1)

    def y(self, value: float) -> float:
        """Returns the vertical place of a value."""
        share = (min(max(value, self.y_least), self.y_most) - self.y_least) / (self.y_most - self.y_least)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#374151", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{weight}>{text}</text>'


def _frame(
    axes: Axes, title: str, labels: tuple[str, str], xs: Sequence[float], ys: Sequence[tuple[float, str]]
) -> list[str]:
    made = [_text(LEFT, 22, title, bold=True)]
    for value, text in ys:
        y = axes.y(value)
        made.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#e5e7eb"/>')
        made.append(_text(LEFT - 8, y + 4, text, anchor="end"))
    made += [_text(axes.x(value), HEIGHT - BOTTOM + 18, f"{value:g}", anchor="middle") for value in xs]
    made.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, labels[0], anchor="middle"))
    made.append(_text(LEFT, TOP - 8, labels[1], colour="#6b7280"))
    return made


def _line(axes: Axes, points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _write(file: Path, title: str, parts: Sequence[str]) -> None:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" style="{STYLE}">'
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    file.write_text("\n".join([head, f"<title>{title}</title>", background, *parts, "</svg>"]) + "\n", "utf-8")


def _evidence(folder: Path, rng: np.random.Generator) -> None:
    """One rollout each: healthy, two, five and ten times as bad."""
    axes = Axes(40, -1.0, 3.0)
    title = "Evidence against the canary: 0.5 % bad events at 20 rps, stages of 10 minutes"
    ticks = [(power, f"{10.0**power:g}") for power in (-1, 0, 1, 2, 3)]
    parts = _frame(axes, title, ("minutes", "evidence E"), range(0, 41, 10), ticks)
    spec = SPEC.of_stage(rollout_weights()[0])
    threshold = 1 / spec.alpha
    y = axes.y(math.log10(threshold))
    parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#b91c1c" stroke-dasharray="5 4"/>')
    parts.append(_text(WIDTH - RIGHT + 8, y + 4, "roll back", colour="#b91c1c"))
    for number, (factor, colour) in enumerate(zip((1, 2, 5, 10), COLOURS, strict=False)):
        judge, points = Judge(spec), [(0.0, 0.0)]
        traffic = simulate(rng, 1, rollout_weights(), 20.0, 0.005, factor=factor)
        for look in looks_of(traffic, 0):
            judge.count(look)
            points.append((look.time_s / 60, math.log10(max(judge.evidence, 1e-9))))
            if judge.evidence >= threshold:
                break
        parts.append(_line(axes, points, colour))
        name = "healthy" if factor == 1 else f"{factor} times as bad"
        parts.append(_text(WIDTH - RIGHT + 8, TOP + 90 + 20 * number, name, colour=colour))
    _write(folder / "rollout-evidence.svg", title, parts)


def _detection(folder: Path, rng: np.random.Generator, runs: int) -> None:
    """How many canary requests a regression takes."""
    axes = Axes(8000, 0, 100)
    title = f"Regressions of 0.5 % found, by canary requests (10 % of 20 rps, {runs} rollouts each)"
    ticks = [(share, f"{share} %") for share in range(0, 101, 25)]
    parts = _frame(axes, title, ("canary requests", "rolled back"), range(0, 8001, 2000), ticks)
    for number, (factor, colour) in enumerate(zip((10, 5, 3, 2), COLOURS[::-1], strict=False)):
        traffic = simulate(rng, runs, (0.1,) * 270, 20.0, 0.005, factor=factor)
        needed = np.sort(canary_requests(traffic, rollbacks(SPEC, traffic)))
        points = [(at, 100.0 * float(np.searchsorted(needed, at, "right")) / runs) for at in range(0, 8001, 100)]
        parts.append(_line(axes, points, colour))
        parts.append(_text(WIDTH - RIGHT + 8, TOP + 30 + 20 * number, f"{factor} times as bad", colour=colour))
    _write(folder / "rollout-detection.svg", title, parts)


def _false_rollbacks(folder: Path, rng: np.random.Generator, runs: int) -> None:
    """Healthy releases that are rolled back, by method and disturbance."""
    title = "Healthy releases rolled back within 40 minutes (mean over 0.01 to 5 % bad events, 0.2 to 200 rps)"
    axes = Axes(len(SCENARIOS), 0, 100)
    parts = _frame(axes, title, ("", ""), (), [(share, f"{share} %") for share in range(0, 101, 25)])
    methods = {"this judge": lambda traffic: rollbacks(SPEC, traffic), **PEERS}
    each = max(10, runs // 8)
    for column, scenario in enumerate(SCENARIOS):
        shares = dict.fromkeys(methods, 0.0)
        for base in (0.0001, 0.001, 0.01, 0.05):
            for rps in (0.2, 2.0, 20.0, 200.0):
                traffic = simulate(rng, each, rollout_weights(), rps, base, scenario=scenario)
                for name, method in methods.items():
                    shares[name] += 100 * float(np.mean(method(traffic) >= 0)) / 16
        for number, (share, colour) in enumerate(zip(shares.values(), COLOURS, strict=False)):
            x, y = axes.x(column + 0.12 + 0.2 * number), axes.y(share)
            height = round(HEIGHT - BOTTOM - y, 1)
            parts.append(f'<rect x="{x}" y="{y}" width="22" height="{max(height, 0.8)}" fill="{colour}"/>')
            parts.append(_text(x + 11, y - 4, f"{share:.0f}" if share >= 1 else f"{share:.1f}", anchor="middle"))
        parts.append(_text(axes.x(column + 0.5), HEIGHT - BOTTOM + 18, scenario, anchor="middle"))
    for number, (name, colour) in enumerate(zip(methods, COLOURS, strict=False)):
        parts.append(_text(WIDTH - RIGHT + 8, TOP + 20 + 20 * number, name, colour=colour))
    _write(folder / "rollout-false-rollbacks.svg", title, parts)


def draw(folder: Path, rng: np.random.Generator, runs: int) -> None:
    """The plots of docs/rollout.md are in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _evidence(folder, rng)
    _detection(folder, rng, runs)
    _false_rollbacks(folder, rng, runs)
