"""What a run keeps on disk: the journal, its tables, and the run folder."""
