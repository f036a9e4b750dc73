"""Docstrings that a generator can read: every public parameter is described, and no other name is."""

import logging
from collections.abc import Iterator
from pathlib import Path

import griffe
import pytest

import patron

SOURCE = Path(patron.__file__).parents[1]
SELF = ("self", "cls")
OVERRIDDEN = ("patron.tables.spark_sql.SparkEngine",)  # methods of Ibis, described there


@pytest.fixture(scope="module")
def package() -> griffe.Module:
    """The package as a generator of reference pages sees it: read, not imported."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    loaded = griffe.load(
        "patron", search_paths=[str(SOURCE)], allow_inspection=False, docstring_parser="numpy"
    )
    assert isinstance(loaded, griffe.Module)
    return loaded


def public_names(module: griffe.Module) -> Iterator[griffe.Class | griffe.Function]:
    """Functions, classes and their methods that a module offers, and those of the modules in it."""
    offered = {str(name) for name in module.exports or ()}
    for name, member in module.members.items():
        if member.is_alias:
            continue
        if isinstance(member, griffe.Module):
            yield from public_names(member)
        elif name in offered and isinstance(member, griffe.Class | griffe.Function):
            yield member
            if isinstance(member, griffe.Class):
                yield from (
                    method
                    for name, method in member.members.items()
                    if isinstance(method, griffe.Function) and not name.startswith("_")
                )


def described(thing: griffe.Class | griffe.Function, *kinds: griffe.DocstringSectionKind) -> set[str]:
    """The names that a docstring describes with more than nothing."""
    if thing.docstring is None:
        return set()
    return {
        name.lstrip("*")
        for section in thing.docstring.parsed
        if section.kind in kinds
        for entry in section.value
        if entry.description.strip()
        for name in entry.name.split(", ")
    }


def parameters(thing: griffe.Class | griffe.Function) -> set[str]:
    """The names that a caller may give."""
    named = (parameter.name.lstrip("*") for parameter in thing.parameters)
    return {name for name in named if name not in SELF and not name.startswith("_")}


def faults(thing: griffe.Class | griffe.Function) -> list[str]:
    """What a docstring leaves out or makes up."""
    kinds = griffe.DocstringSectionKind
    named = described(thing, kinds.parameters, kinds.other_parameters)
    taken = parameters(thing)
    if isinstance(thing, griffe.Class):
        attributes = described(thing, kinds.attributes)
        if is_model(thing):
            return []
        known = set(thing.all_members)
        missing = taken - named - attributes
        strange = (named - taken) | {name for name in attributes - known - taken if not name.endswith("_")}
    else:
        missing, strange = taken - named, named - taken
    return [
        *(f"{thing.path}: {name} is not described" for name in sorted(missing)),
        *(f"{thing.path}: {name} is described and does not exist" for name in sorted(strange)),
    ]


def is_model(thing: griffe.Class) -> bool:
    """Whether a class is a settings model of pydantic, whose fields describe themselves."""
    return thing.path.startswith("patron.settings.")


def test_every_public_parameter_is_described_and_no_other_name(package):
    public = list(public_names(package))
    assert len(public) > 500  # what finds nothing proves nothing
    found = [fault for thing in public if not thing.path.startswith(OVERRIDDEN) for fault in faults(thing)]
    assert found == []


def test_what_a_docstring_leaves_out_or_makes_up_is_found(tmp_path):
    folder = tmp_path / "sample"
    folder.mkdir()
    lines = [
        '"""The price.',
        "",
        "Parameters",
        "----------",
        "amount",
        "    money",
        "rate",
        "    share",
        '"""',
    ]
    body = "\n".join(f"    {line}" for line in lines)
    (folder / "__init__.py").write_text(f"def price(amount: float, tax: float) -> float:\n{body}\n")
    loaded = griffe.load("sample", search_paths=[tmp_path], docstring_parser="numpy")
    assert faults(loaded["price"]) == [
        "sample.price: tax is not described",
        "sample.price: rate is described and does not exist",
    ]
