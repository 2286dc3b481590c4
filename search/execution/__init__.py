"""Where programs are scored: in this process, in batches, or in worker processes of Ray."""
