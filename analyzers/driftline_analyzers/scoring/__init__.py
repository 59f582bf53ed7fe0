"""Scores of single LLM calls: what a scorer is given and what it says. The runner reads settled calls and writes their scores."""
