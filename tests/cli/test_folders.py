"""`qlearn evaluate FOLDER` and `qlearn export FOLDER`."""

import numpy as np

from qlearn.agents.backend import lenient

AGENT = "dqn(mlp(4), adam(0.01), batch_size=8, learning_starts=16, replay=100)"


def test_a_folder_is_evaluated_and_exported_by_what_it_keeps(qlearn, tmp_path):
    import keras

    import qlearn as ql

    assert qlearn("train", "CartPole-v1", AGENT, "--steps", 100, "--seeds", 2, "--out", "kept").code == 0
    runs = ql.kept_runs("kept")
    found = qlearn("evaluate", "kept", "--horizon", 30, "--json").json
    np.testing.assert_allclose(found["exact_return"], ql.evaluate(runs, horizon=30).exact_return)
    assert found["command"] == "qlearn evaluate kept --horizon 30"
    told = qlearn("export", "kept", "--seed", 1, "--no-evaluate", "--json").json
    assert (told["seed"], told["num_actions"]) == (1, 2)
    assert told["difference"] <= 1e-5
    model = keras.saving.load_model(told["model"])
    seen = np.ones((2, 4), np.float32)
    with lenient():
        given = np.asarray(model(seen))
    np.testing.assert_allclose(given, runs.q_function(1)(seen), rtol=1e-5)
    assert "Nobody has evaluated" in (tmp_path / told["card"]).read_text(encoding="utf-8")
    assert qlearn("export", "kept", "--format", "onx").code == 2
    assert "seed 9 was not trained" in qlearn("export", "kept", "--seed", 9).err


def test_a_folder_that_keeps_nothing_is_named(qlearn, tmp_path):
    for command in ("evaluate", "export"):
        done = qlearn(command, "nowhere")
        assert (done.code, done.out) == (4, "")
        assert "nowhere keeps no training" in done.err
