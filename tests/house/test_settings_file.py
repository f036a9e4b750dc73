"""models/patron.toml and docs/settings.md are what the fields of the settings give: `make settings`."""

import re
from pathlib import Path

import pytest

from patron.cli.builder import flags_of
from patron.cli.commands import COMMANDS
from patron.cli.reference import settings_page
from patron.settings import Settings, read_settings
from patron.settings.fields import fields_of, sections
from patron.settings.file import settings_file

ROOT = Path(__file__).parents[2]
FIELDS = [field for name in ("", "tables.*", *dict(sections())) for field in fields_of(name)]


WRITTEN = {"models/patron.toml": settings_file, "docs/settings.md": settings_page}


@pytest.mark.parametrize("path", WRITTEN)
def test_a_file_is_what_the_fields_give(path):
    assert (ROOT / path).read_text(encoding="utf-8") == WRITTEN[path](), "write it anew: make settings"


def test_the_file_holds_the_defaults():
    assert read_settings(ROOT / "models" / "patron.toml") == Settings()


def test_its_commented_lines_can_be_read_too(tmp_path):
    keys = re.findall(r"^(?:# )?(\[[\w.]+\]|\w+ = .+)$", settings_file(), re.MULTILINE)
    (tmp_path / "patron.toml").write_text("\n".join(keys), encoding="utf-8")
    settings = read_settings(tmp_path / "patron.toml")
    assert settings.target.min_contacts == {}
    assert settings.tables.transactions.columns["order_at"] == "Booked"
    assert settings.offer.incentive == 4.0


@pytest.mark.parametrize("field", FIELDS, ids=[field.path for field in FIELDS])
def test_a_setting_is_explained_in_sentences(field):
    assert field.text[:1].isupper() or field.text[:1].isdigit()
    assert field.text.endswith((".", ".…"))
    assert field.default is not None or field.example is not None or field.kind == "table"


def test_every_setting_of_a_command_has_a_flag():
    flagged = {field.path for command in COMMANDS for field in flags_of(command)}
    without = {field.path.split(".")[0] for field in FIELDS if field.path not in flagged}
    decided_by_the_business = {"offer", "stages", "tiers", "network", "learning", "drift"}
    assert without == {"tables", "costs"} | decided_by_the_business  # tables.*, costs.touchpoints; else --set


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_no_flag_of_a_command_means_two_settings(command):
    flags = [field.flag for field in flags_of(command)]
    assert sorted(flags) == sorted(set(flags) - {"--column", "--settings", "--set", "--json"})
