"""Random numbers depend on their key alone, and cover what they should."""

from collections import Counter

import pytest

from search.engine.randomness import Draws


def test_equal_keys_give_equal_numbers_and_others_do_not() -> None:
    first, again, other = Draws(1, 0, 7), Draws(1, 0, 7), Draws(1, 0, 8)
    numbers = [first.uniform() for _ in range(5)]
    assert numbers == [again.uniform() for _ in range(5)]
    assert numbers != [other.uniform() for _ in range(5)]


def test_the_stream_of_a_key_is_the_one_that_old_journals_were_made_with() -> None:
    draws = Draws(0, 0, 1)
    assert [draws.integer(1000) for _ in range(5)] == [218, 841, 848, 553, 687]


def test_integers_and_choices_reach_every_value_and_no_other() -> None:
    draws = Draws(3)
    assert {draws.integer(4) for _ in range(200)} == {0, 1, 2, 3}
    assert {draws.choice("abc") for _ in range(200)} == set("abc")


def test_weights_set_the_frequency() -> None:
    draws = Draws(4)
    counts = Counter(draws.weighted("abc", [1, 1, 4]) for _ in range(4000))
    assert set(counts) == {"a", "c"}
    assert counts["c"] / counts["a"] == pytest.approx(3, rel=0.15)


def test_normal_draws_have_mean_zero_and_deviation_one() -> None:
    draws = Draws(5)
    values = [draws.normal() for _ in range(4000)]
    assert sum(values) / 4000 == pytest.approx(0, abs=0.06)
    assert sum(value**2 for value in values) / 4000 == pytest.approx(1, abs=0.08)
