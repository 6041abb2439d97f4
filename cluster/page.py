"""A page that needs nothing but itself: what the run report and the market preview have in common.

Everything that comes from data is escaped where it is put in. A content security policy names the page's scripts by
their hashes and forbids every connection: should a text ever get through as markup, it can neither run nor call out.
"""

from __future__ import annotations

import base64
import json
import secrets
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any

from cluster import page_words as words
from cluster.page_charts import mark_of
from cluster.page_style import SCRIPT, STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from pathlib import Path

    Charts = Mapping[str, dict[str, Any]]

SEPARATOR = " \u00b7 "

SCENARIO_CHARACTERS_MAX = 200_000
"""A scenario longer than this is not repeated in a page."""


def document(title: str, body: str, charts: Charts) -> str:
    """Return the text of one HTML file; each of ``charts`` is drawn into the element with its name as id."""
    library = _plotly()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(library, SCRIPT)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}"
        f'<script type="application/json" id="charts">{script_json(charts)}</script>\n'
        f"<script>{library}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def save(page: str, path: Path) -> None:
    """Write a page to ``path``, whole or not at all; raises OSError where the folder does not allow it."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_text(page, encoding="utf-8")  # a device or a pipe must not be replaced by a file
        return
    partial = target.with_name(f".page-{secrets.token_hex(8)}.part")
    try:
        partial.write_text(page, encoding="utf-8", newline="\n")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def script_json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def chart(name: str, told: str, css: str = "", height: int | None = None) -> str:
    """Return the element that the chart of this name is drawn into, and what it shows in words."""
    style = "" if height is None else f' style="height: {height}px"'
    return f'<div id="{name}" class="{f"chart {css}".strip()}"{style} role="img" aria-label="{escape(told)}"></div>'


def legend(chart_name: str, names: Iterable[tuple[int, str]], told: str) -> str:
    """Return buttons that show and hide the lines of a chart by (place, name)."""
    buttons = (
        f'<button type="button" aria-pressed="true" data-place="{place}">{swatch(place)}'
        f"<span>{escape(name)}</span></button>"
        for place, name in names
    )
    return (
        f'<div class="legend" role="group" aria-label="{escape(told)}" data-chart="{chart_name}">{"".join(buttons)}'
        '<button type="button" class="all" data-all="true">Show all</button>'
        '<button type="button" class="all" data-all="false">Hide all</button></div>'
    )


def key_figures(figures: Iterable[tuple[str, str, str]]) -> str:
    """Return a row of (name, value as markup, what to add to it)."""
    cells = (
        f'<div><dt>{name}</dt><dd>{value}<div class="aside">{escape(aside)}</div></dd></div>'
        for name, value, aside in figures
    )
    return f'<dl class="key">{"".join(cells)}</dl>\n'


def table(headings: Iterable[tuple[str, str]], rows: str, css: str = "scroll") -> str:
    """Return a table with headings of (text, class), which scrolls inside the page."""
    cells = "".join(f'<th scope="col" class="{kind}">{text}</th>' for text, kind in headings)
    head = f"<thead><tr>{cells}</tr></thead>"
    return f'<div class="{css}" tabindex="0"><table>{head}<tbody>{rows}</tbody></table></div>'


def footer(facts: Iterable[tuple[str, object]], scenario: str, said: str, version: str) -> str:
    """Return the end of a page: facts to copy, the scenario behind what is ``said`` of it, and who wrote it."""
    lines = "".join(f"<dt>{name}</dt><dd><code>{escape(str(value))}</code></dd>" for name, value in facts)
    whole = f"<details><summary>{escape(said)}</summary><pre>{escape(scenario)}</pre></details>"
    kept = whole if len(scenario) <= SCENARIO_CHARACTERS_MAX else ""
    written = f"Written by paperdex {version}. Times are simulated, in UTC."
    return f"<footer><dl>{lines}</dl>{kept}<p>{escape(written)}</p></footer>\n"


def gain(percent: Decimal | float) -> str:
    """Return a signed percentage in the colour of its sign."""
    return coloured(words.signed_percent(percent), percent)


def coloured(text: str, value: Decimal | float) -> str:
    """Return text in the colour of a gain or of a loss."""
    css = "gain" if value > 0 else "loss" if value < 0 else ""
    return f'<span class="{css}">{text}</span>'


def swatch(place: int) -> str:
    """Return a short stroke as the line at ``place`` is drawn."""
    mark = mark_of(place)
    return f'<span class="swatch" style="border-top: 3px {mark.css_border} {mark.colour}"></span>'


def _plotly() -> str:
    # Imported here: a run that writes no report should not wait for it.
    from plotly.offline import get_plotlyjs  # noqa: PLC0415

    library: str = get_plotlyjs()
    # A parser of HTML turns every line end into a newline before a script is hashed; so must we.
    return library.replace("\r\n", "\n").replace("\r", "\n").replace("</script", "<\\/script")


def _policy(*scripts: str) -> str:
    """Return the content security policy under which exactly ``scripts`` run and nothing is loaded."""
    hashes = (base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    sources = " ".join(f"'sha256-{text}'" for text in hashes)
    return f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data: blob:"
