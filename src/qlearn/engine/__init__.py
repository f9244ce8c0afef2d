"""The device loop, the host loop, lanes, noise and chunks."""
