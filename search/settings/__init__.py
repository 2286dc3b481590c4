"""What a run is told to do: the typed config, reading it from YAML, and resolving what it names."""
