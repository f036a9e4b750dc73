"""The public names are exactly the ones that are documented, each with an example."""

import doctest
import inspect

import pytest

import patron
from patron import errors

DOCUMENTED = [name for name in patron.__all__ if name != "__version__"]


def test_all_is_what_is_visible():
    assert dir(patron) == sorted(patron.__all__)
    assert set(patron._HOMES) == set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_comes_from_its_home(name):
    thing = getattr(patron, name)
    assert thing.__name__ == name


@pytest.mark.parametrize("name", [n for n in DOCUMENTED if not n.endswith(("Error", "Warning"))])
def test_a_public_name_has_an_example_that_runs(name):
    thing = getattr(patron, name)
    found = doctest.DocTestFinder(recurse=inspect.isclass(thing)).find(thing, name)
    assert any(test.examples for test in found), f"{name} has no example in its docstring"


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(AttributeError, match="has no attribute 'Hstory'; it has BetaGeoModel"):
        patron.Hstory  # noqa: B018


def test_every_error_is_a_patron_error():
    public = [getattr(errors, name) for name in errors.__all__ if inspect.isclass(getattr(errors, name))]
    assert all(issubclass(e, (errors.PatronError, UserWarning)) for e in public)


def test_the_error_tree_is_drawn_in_full():
    names = [name for name in errors.__all__ if inspect.isclass(getattr(errors, name))]
    assert [name for name in names if name not in (errors.__doc__ or "")] == []
