"""Every file and folder that docs/architecture.md names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+(?:\.py|/))`", TEXT)))


@pytest.mark.parametrize("name", NAMED)
def test_a_named_place_exists(name):
    assert (ROOT / name).exists() or (ROOT / "src" / "patron" / name).exists()


def test_every_room_is_on_a_floor():
    floors = TEXT.split("```")[1]
    rooms = [path.parent.name for path in (ROOT / "src" / "patron").glob("*/__init__.py")]
    assert [room for room in rooms if not re.search(rf"\b{room}\b", floors)] == []
