"""The atlas as one HTML file: the page of the site with its script, style and data inside."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from minires import results

SITE = Path(__file__).parents[2] / "lessons" / "site"
MODULES = ("explore/dom", "atlas/model", "atlas/maps", "atlas/detail", "atlas/atlas")
TITLE = "Where does training work?"


def page(document: dict[str, Any]) -> str:
    """Return the page. Modules follow one another, so that no server has to send them."""
    scripts = [results.read_text(SITE / f"{name}.mjs") for name in MODULES]
    script = re.sub(r"^import .*\n", "", "\n".join(scripts), flags=re.MULTILINE)
    script = re.sub(r"^export ", "", script, flags=re.MULTILINE)
    style = results.read_text(SITE / "atlas" / "atlas.css")
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>{html.escape(TITLE)}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 66rem; margin: 0 auto; padding: 0 1rem; font-family: system-ui, sans-serif; }}
{style}</style>
<body>
<h1>{html.escape(TITLE)}</h1>
<div id="atlas" class="atlas"></div>
<script type="application/json" id="atlas-summary">{_inside(data)}</script>
<script type="module">{_inside(script)}</script>
</html>
"""


def _inside(text: str) -> str:
    """Return text that cannot end the element around it."""
    return text.replace("</", "<\\/")
