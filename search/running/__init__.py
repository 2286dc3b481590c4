"""What a run does, from the first candidate to the summary; knows nothing of the terminal."""
