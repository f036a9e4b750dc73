"""Write models/patron.toml and docs/settings.md from the fields of the settings: `make settings`."""

from pathlib import Path

from patron.cli.reference import settings_page
from patron.settings.file import settings_file

ROOT = Path(__file__).parents[1]

(ROOT / "models" / "patron.toml").write_text(settings_file(), encoding="utf-8")
(ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
