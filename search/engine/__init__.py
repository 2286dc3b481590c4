"""The search as a pure state machine: candidates in order, hurdles, duplicates, random numbers keyed by candidate."""
