"""From runs to policies: exact where the model is known, rollouts elsewhere."""
