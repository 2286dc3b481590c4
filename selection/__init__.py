"""Which discovered programs still win? Baselines, tuning, and statistics on fresh seeds."""
