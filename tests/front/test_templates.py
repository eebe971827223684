"""What every template keeps to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
NAMES = [str(path.relative_to(ROOT / "templates")) for path in TEMPLATES]
SPRITE = (ROOT / "static/img/icons.svg").read_text()
BUDGET_BYTES = 60_000


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles_and_says_on_its_first_line_what_it_needs(name):
    get_template(name)
    first = (ROOT / "templates" / name).read_text().splitlines()[0]
    assert first.startswith("{# ")
    assert first.endswith(" #}")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_styled_or_scripted_inside_a_template(name):
    text = (ROOT / "templates" / name).read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=[\"']", text)
    assert "hx-on" not in text
    assert "<style" not in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("name", NAMES)
def test_every_form_that_writes_also_works_without_script(name):
    text = (ROOT / "templates" / name).read_text()
    for form in re.findall(r"<form[^>]*hx-post[^>]*>", text):
        assert 'method="post"' in form
        assert "action=" in form


@pytest.mark.parametrize("name", NAMES)
def test_every_icon_and_static_file_that_is_named_is_there(name):
    text = (ROOT / "templates" / name).read_text()
    for icon in re.findall(r"{% icon [\"']([\w-]+)[\"']", text):
        assert f'id="i-{icon}"' in SPRITE, icon
    for path in re.findall(r"{% static '([^']+)' %}", text):
        assert finders.find(path), path


def test_only_the_tokens_name_a_colour():
    for sheet in ("app.css", "floor.css"):
        text = (ROOT / "static/css" / sheet).read_text()
        text = re.sub(r"@media print\s*{.*", "", text, flags=re.S)
        text = re.sub(r"rgb\(0 0 0/[.\d]+\)", "", text)  # shadows and veils
        text = text.replace("background:#fff;padding:8px", "")  # a QR code is read on white
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*{)", text), sheet


def test_the_scripts_stay_within_their_budget():
    own = sum(path.stat().st_size for path in (ROOT / "static/js").glob("*.js"))
    assert own < BUDGET_BYTES
