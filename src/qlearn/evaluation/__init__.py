"""From runs to what their policies are worth: exact where the model is known, rollouts elsewhere."""

from qlearn.evaluation.evaluate import evaluate
from qlearn.evaluation.games import one_game, play_games
from qlearn.evaluation.results import PolicyEvaluation, RunsEvaluation
from qlearn.evaluation.runs import evaluate_runs
from qlearn.evaluation.truth import Truth, truth_of

__all__ = [
    "PolicyEvaluation",
    "RunsEvaluation",
    "Truth",
    "evaluate",
    "evaluate_runs",
    "one_game",
    "play_games",
    "truth_of",
]
