"""Train, runs, presets and certificates."""
