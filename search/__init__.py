"""Searches: how programs are proposed, scored, recorded and resumed, and what a run does from start to summary.

`search/README.md` says where to start reading.
"""
