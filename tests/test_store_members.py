"""Members of the dataset: put on their side once, by the rule or a person, and gone with their photo."""

import pytest
from sqlalchemy import text
from store_examples import add_grey

from tesserae.errors import StoreError
from tesserae.store.members import choose_split, list_members, settle_members
from tesserae.store.photos import delete_photo

pytest_plugins = "store_fixtures"


def settle(store, splits):
    """Put new photos, or members, on their sides."""
    return settle_members(store, {photo.id: f"looks of {photo.name}" for photo in splits}, lambda _: sides(splits))


def sides(splits):
    return {photo.id: split for photo, split in splits.items()}


def test_the_rule_puts_photos_on_their_sides_and_sees_who_is_there(store):
    a, b = add_grey(store, 1, "a.png"), add_grey(store, 2, "b.png")
    first = settle(store, {a: "train"})
    seen = []
    found = settle_members(store, {b.id: "looks of b.png"}, lambda members: seen.append(members) or {b.id: "test"})
    assert seen == [first]
    assert found == list_members(store)
    assert {photo_id: member.split for photo_id, member in found.items()} == sides({a: "train", b: "test"})
    assert (found[b.id].chosen_by, found[b.id].looks, found[a.id]) == (None, "looks of b.png", first[a.id])


def test_a_person_s_choice_is_signed_and_is_only_overruled_where_the_rule_says_so(store):
    a = add_grey(store, 1)
    settle(store, {a: "train"})
    choose_split(store, [a.id], "test", " Anna ")
    chosen = list_members(store)[a.id]
    assert (chosen.split, chosen.chosen_by) == ("test", "Anna")
    assert settle(store, {a: "test"})[a.id] == chosen
    assert settle(store, {a: "train"})[a.id].chosen_by is None


def test_who_is_no_member_cannot_be_put_on_a_side_and_nobody_else_is(store):
    a, b = add_grey(store, 1), add_grey(store, 2)
    before = settle(store, {a: "train"})
    with pytest.raises(StoreError, match=f"photo {b.id[:12]} in the dataset, found it is not"):
        choose_split(store, [a.id, b.id], "test", "Anna")
    assert list_members(store) == before


def test_members_go_with_their_photo_and_do_not_come_without(store):
    a, b = add_grey(store, 1), add_grey(store, 2)
    settle(store, {a: "train"})
    for photo in (a, b):
        delete_photo(store, photo.id)
    assert list_members(store) == {}
    assert settle(store, {b: "train"}) == {}


def test_there_are_three_sides(store):
    with pytest.raises(StoreError, match="refused"):
        settle(store, {add_grey(store): "elsewhere"})
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM members")) == 0
