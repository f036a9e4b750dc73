from hypothesis import given
from hypothesis import strategies as st

from patron.features.naming import column_names, readable


def test_a_plain_name_stays_as_it_is():
    assert column_names(["email_open", "visit2"]) == {"email_open": "email_open", "visit2": "visit2"}


def test_a_persian_kind_keeps_its_letters_and_loses_its_joiners():
    assert column_names(["باز\u200cکردن ایمیل"]) == {"باز\u200cکردن ایمیل": "باز_کردن_ایمیل"}


def test_names_that_differ_in_case_alone_are_told_apart():
    names = column_names(["Open", "open"])
    assert len({name.casefold() for name in names.values()}) == 2


def test_a_name_that_is_taken_or_empty_or_endless_is_marked():
    names = column_names(["last", "!!!", "x" * 100], taken=["last"])
    assert names["last"].startswith("last_")
    assert names["!!!"].isalnum()
    assert len(names["x" * 100]) == 47


@given(st.lists(st.text(), unique=True, max_size=8))
def test_any_texts_get_names_that_are_unique_safe_and_free_of_their_order(texts):
    names = column_names(texts)
    assert len({name.casefold() for name in names.values()}) == len(texts)
    assert all(name and all(letter.isalnum() or letter == "_" for letter in name) for name in names.values())
    assert column_names(texts[::-1]) == names


def test_a_name_is_read_as_words():
    assert readable("Coupon_redeemed (online)") == "Coupon redeemed online"
