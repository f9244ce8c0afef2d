"""Compare, sweep, tournament, verdict."""
