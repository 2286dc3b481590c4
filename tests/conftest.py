"""JAX is strict in tests: one thread, and no silent promotion of ranks."""

from search.runtime import pin_threads

pin_threads()

import jax  # noqa: E402 - after the threads are pinned
from hypothesis import settings  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")

# Draws are bounded by number, never by seconds: these machines are shared and noisy.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")
