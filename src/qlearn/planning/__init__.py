"""The exact truth: optimum, policy evaluation, finite horizon, average reward, return distribution."""
