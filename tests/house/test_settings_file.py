"""models/patron.toml shows every setting with its default."""

import re
import tomllib
from pathlib import Path

from patron.settings import Settings, read_settings

FILE = Path(__file__).parents[2] / "models" / "patron.toml"


def test_the_file_holds_the_defaults():
    assert read_settings(FILE) == Settings()


def test_every_setting_is_shown():
    text = FILE.read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:# )?(\w+) =", text, re.MULTILINE)) | set(tomllib.loads(text)) | {"tables"}
    assert set(Settings.model_fields) - shown == {"check", "features"}  # they only name files to write
