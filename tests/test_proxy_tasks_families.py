"""Each family is what its docstring says, and comes in three sizes that cost what they are called."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.costs import multiply_adds
from primitives import UserError
from primitives.program import PEAK
from proxy_tasks import data
from proxy_tasks.catalog import SIZES, SMALLEST, TASKS, builtin_task
from proxy_tasks.families import FAMILIES, fingerprint, problem
from proxy_tasks.models import info_nce, vit, vit_layout
from proxy_tasks.task import Task


@pytest.mark.parametrize("name", SMALLEST)
def test_a_family_comes_in_three_sizes_ten_times_as_costly_each(name: str) -> None:
    sizes = [builtin_task(name), builtin_task(f"{name}_x10"), builtin_task(f"{name}_x100")]
    assert [of.size for of in sizes] == list(SIZES)
    assert len({(of.family, of.schedule_power) for of in sizes}) == 1
    assert sizes[0].peak == PEAK
    for small, large in pairwise(sizes):
        assert large.peak < small.peak
        assert 8 < multiply_adds(large) / multiply_adds(small) < 12.5


def test_every_family_has_a_task_and_settings_that_build_one() -> None:
    assert {of.family for of in TASKS.values()} == FAMILIES.keys() - {"classification"}
    for name, family in FAMILIES.items():
        assert sum(problem(Task(f"plain {name}", name, "", 4, 1, settings=family.settings)).sizes) > 1000


def test_patches_are_the_pixels_of_the_image_and_their_order_matters() -> None:
    image = data.digits()["validation"][0][7]
    patches = problem(builtin_task("vit")).rows["validation"]["x"][7]
    np.testing.assert_array_equal(patches.reshape(2, 2, 4, 4)[1, 0], image[4:, :4])
    layout = vit_layout(4, 16, 8, 1, 16, 10)
    weights = jnp.asarray(layout.initialise(np.random.default_rng(0)))
    logits = vit(layout, weights, jnp.asarray(patches[None]), 1, 2)
    assert logits.shape == (1, 10)
    assert not np.allclose(vit(layout, weights, jnp.asarray(patches[None, ::-1]), 1, 2), logits, atol=1e-4)


def _masked(count: int) -> tuple[Task, dict[str, np.ndarray]]:
    settings = {**FAMILIES["masked language model"].settings, "context": 8, "masked": count, "layers": 1, "width": 8}
    masked = Task(f"masked {count}", "masked language model", "", 4, 1, settings=settings)
    return masked, {name: values[:1] for name, values in problem(masked).rows["train"].items()}


def test_the_masked_model_does_not_see_what_it_has_to_predict() -> None:
    masked, row = _masked(1)
    built = problem(masked)
    weights = jnp.asarray(built.initialise(np.random.default_rng(0)))
    loss = jax.jit(built.loss)
    total = 0.0
    for character in range(len(data.CHARACTERS)):
        tokens = row["tokens"].copy()
        tokens[0, row["places"][0, 0]] = character
        total += float(np.exp(-loss(weights, row | {"tokens": tokens})))
    assert 0.9 < total < 1  # the rest is for the mask itself


def test_the_masked_model_sees_both_sides() -> None:
    masked, row = _masked(1)
    row = row | {"places": np.array([[4]], np.int32)}
    built = problem(masked)
    weights = jnp.asarray(built.initialise(np.random.default_rng(0)))
    before = built.loss(weights, row)
    for place in (1, 6):
        tokens = row["tokens"].copy()
        tokens[0, place] = (tokens[0, place] + 1) % 96
        assert abs(float(built.loss(weights, row | {"tokens": tokens}) - before)) > 1e-5


def test_masked_places_differ_from_row_to_row_and_none_is_twice() -> None:
    places = problem(builtin_task("masked")).rows["train"]["places"]
    assert places.shape[1] == 4
    assert np.all(np.diff(places, axis=1) > 0)
    assert np.all(np.bincount(places.ravel(), minlength=16) > 0.2 * len(places))


def test_a_noisy_image_is_image_and_noise_by_the_cosine_of_the_time() -> None:
    rows = problem(builtin_task("denoising")).rows
    x, noise = rows["validation"]["x"], rows["validation"]["noise"]
    time = np.arctan2(x[:, 64], x[:, 65])[:, None] / np.pi
    clean = 2 * data.digits()["validation"][0].reshape(-1, 64) - 1
    np.testing.assert_allclose(
        x[:, :64], np.cos(np.pi / 2 * time) * clean + np.sin(np.pi / 2 * time) * noise, atol=1e-5
    )
    assert np.histogram(time, bins=4, range=(0, 1))[0].tolist() == [100] * 4
    assert len(rows["train"]["x"]) == 16 * 1000


def test_a_denoiser_that_knows_the_noise_has_no_loss_and_one_that_says_nothing_has_one() -> None:
    built = problem(builtin_task("denoising"))
    zero = jnp.zeros(sum(built.sizes))
    rows = built.rows["validation"]
    assert built.loss(zero, rows) == pytest.approx(np.square(rows["noise"]).mean(), rel=1e-5)
    assert built.loss(zero, rows | {"noise": jnp.zeros_like(rows["noise"])}) == 0


def test_views_are_two_of_the_same_image_moved_by_a_pixel_at_most() -> None:
    settings = {**FAMILIES["contrastive views"].settings, "noise": 0.0, "draws": 1}
    rows = problem(Task("no noise", "contrastive views", "", 4, 1, settings=settings)).rows["train"]
    padded = np.pad(data.digits()["train"][0], ((0, 0), (1, 1), (1, 1)))
    moved = [padded[:, down : down + 8, right : right + 8].reshape(-1, 64) for down, right in np.ndindex(3, 3)]
    for view in rows.values():
        matches = np.array([np.all(view == one, axis=1) for one in moved])
        assert np.all(matches.any(axis=0))
        assert np.all(matches.mean(axis=1) > 0.08)
    assert np.mean(np.all(rows["first"] == rows["second"], axis=1)) < 0.2


def test_the_contrastive_loss_is_low_for_own_views_and_high_for_those_of_others() -> None:
    views = jnp.eye(2)
    assert info_nce(views, 3 * views, 0.5) == pytest.approx(np.log1p(np.exp(-2)), rel=1e-5)
    assert info_nce(views, views[::-1], 0.5) == pytest.approx(np.log1p(np.exp(2)), rel=1e-5)
    assert np.all(np.isfinite(jax.grad(lambda view: info_nce(view, view, 0.5))(jnp.zeros((2, 3)))))


def test_a_fingerprint_tells_data_apart_and_nothing_else() -> None:
    digits = builtin_task("digits")
    longer = Task("longer", digits.family, "", 8, 999, settings=digits.settings)
    fewer = Task("fewer", digits.family, "", digits.batch, digits.steps, settings={**digits.settings, "examples": 999})
    assert fingerprint(longer) == fingerprint(digits) != fingerprint(fewer)


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    settings = {**FAMILIES["image classification"].settings, "heads": 3}
    with pytest.raises(UserError, match=r"`width` \(=16\) must be a multiple of `heads` \(=3\)"):
        problem(Task("odd", "image classification", "", 1, 1, settings=settings))
