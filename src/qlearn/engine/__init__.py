"""The device loop, the host loop, lanes, noise and chunks."""

VERSION = 1
"""Of loops, rules and noise: raised whenever the numbers of agents that were not changed themselves change."""
