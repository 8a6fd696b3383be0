"""What any `Runner` must do, whatever its library: import `RunnerContract` and give it a `runner` fixture."""

from __future__ import annotations

import numpy as np

from engines.backends.base import Runner


class RunnerContract:
    """Needs a fixture `runner`: a net with input "x" [1, 3] and output "y" = 2 x + 1, float32."""

    def test_computes(self, runner: Runner) -> None:
        runner.inputs["x"][:] = [[1, -2, 0.5]]
        np.testing.assert_allclose(runner.infer()["y"], [[3, -3, 2]])

    def test_reuses_its_buffers(self, runner: Runner) -> None:
        inputs, outputs = runner.inputs["x"], runner.infer()["y"]
        inputs[:] = 4
        assert runner.infer()["y"] is outputs
        assert runner.inputs["x"] is inputs
        np.testing.assert_allclose(outputs, 9)

    def test_warm_leaves_the_inputs_alone(self, runner: Runner) -> None:
        runner.inputs["x"][:] = 7
        runner.warm()
        np.testing.assert_array_equal(runner.inputs["x"], [[7, 7, 7]])

    def test_closes_twice(self, runner: Runner) -> None:
        runner.close()
        runner.close()
