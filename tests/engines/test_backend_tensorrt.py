"""The TensorRT backend without a GPU: its own rules against doubles, and building with a real TensorRT where it is."""

from __future__ import annotations

import ast
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engines.backends import tensorrt_pycuda as backend
from engines.backends.base import Runner
from engines.backends.tensorrt_pycuda import BuildOptions, CudaContext, TensorRtError, TensorRtRunner, build_plan
from tests.engines.backend_contract import RunnerContract
from tests.engines.fake_gpu import PLAN, FakeGpu, Module, fake_driver, fake_pycuda, fake_tensorrt

SOURCE = Path(backend.__file__)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    fake = FakeGpu()
    modules = {"tensorrt": fake_tensorrt(fake), "pycuda.driver": fake_pycuda(fake)}
    monkeypatch.setattr(backend, "_loaded", lambda module="tensorrt": modules[module])
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake_driver(fake))
    return fake


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan"
    path.write_bytes(PLAN)
    return path


@pytest.fixture
def runner(gpu: FakeGpu, plan: Path) -> Iterator[Runner]:
    made = TensorRtRunner(plan, CudaContext())
    yield made
    made.close()


class TestContract(RunnerContract):
    """The contract of all backends."""


class TestRunner:
    """What is particular to this one."""

    def test_one_launch_per_call_and_no_allocation(self, gpu: FakeGpu, runner: TensorRtRunner) -> None:
        gpu.calls.clear()
        for _ in range(5):
            runner.infer()
        assert gpu.count("cuGraphLaunch") == 5 and runner.graph_refused == ""
        assert set(gpu.calls) == {"push", "cuGraphLaunch", "synchronize"}

    def test_start_does_not_wait(self, gpu: FakeGpu, runner: TensorRtRunner) -> None:
        runner.inputs["x"][:] = 3
        gpu.calls.clear()
        runner.start()
        assert "synchronize" not in gpu.calls
        np.testing.assert_array_equal(runner.finish()["y"], [[7, 7, 7]])

    def test_runs_without_recording_where_that_is_refused(self, gpu: FakeGpu, plan: Path) -> None:
        gpu.refuse_recording = True
        runner = TensorRtRunner(plan, CudaContext())
        assert "901" in runner.graph_refused
        runner.inputs["x"][:] = [[1, 2, 3]]
        np.testing.assert_array_equal(runner.infer()["y"], [[3, 5, 7]])
        assert gpu.count("cuGraphLaunch") == 0

    @pytest.mark.parametrize(("memory", "integrated"), [("auto", 1), ("mapped", 0)])
    def test_mapped_memory_needs_no_copies(self, gpu: FakeGpu, plan: Path, memory: str, integrated: int) -> None:
        gpu.integrated = integrated
        runner = TensorRtRunner(plan, CudaContext(), memory)
        runner.inputs["x"][:] = 1
        np.testing.assert_array_equal(runner.infer()["y"], [[3, 3, 3]])
        assert not {"mem_alloc", "memcpy_htod_async", "memcpy_dtoh_async"} & set(gpu.calls)

    def test_a_jetson_may_be_told_to_copy(self, gpu: FakeGpu, plan: Path) -> None:
        gpu.integrated = 1
        TensorRtRunner(plan, CudaContext(), "copy").infer()
        assert gpu.count("mem_alloc") == 2

    def test_runners_share_the_context_and_keep_their_numbers(self, gpu: FakeGpu, plan: Path) -> None:
        context = CudaContext()
        one = TensorRtRunner(plan, context)
        one.inputs["x"][:] = 1
        assert one.infer()["y"][0, 0] == 3
        assert gpu.depth == 0

    @pytest.mark.parametrize("call", ["mem_alloc", "execute_async_v3"])
    def test_what_was_taken_is_freed_where_opening_fails(self, gpu: FakeGpu, plan: Path, call: str) -> None:
        gpu.fail = {call}
        with pytest.raises(TensorRtError, match="cannot be opened"):
            TensorRtRunner(plan, CudaContext())
        assert gpu.closed == ["Stream"] and gpu.depth == 0

    def test_a_network_that_does_not_start_is_not_opened(self, gpu: FakeGpu, plan: Path) -> None:
        gpu.refuse_to_run = True
        with pytest.raises(TensorRtError, match=r"cannot be opened: TensorRT cannot run the network"):
            TensorRtRunner(plan, CudaContext())
        assert gpu.closed == ["Stream"]

    def test_a_run_under_way_ends_before_its_memory_goes(self, gpu: FakeGpu, runner: TensorRtRunner) -> None:
        outputs = runner.infer()
        runner.start()
        gpu.calls.clear()
        runner.close()
        assert gpu.calls == ["push", "synchronize", "cuGraphExecDestroy"] and gpu.closed == ["Stream"]
        assert outputs["y"].shape == (1, 3)  # a caller's arrays stay

    @pytest.mark.parametrize("call", ["synchronize", "push"])
    def test_closing_after_a_lost_device_raises_nothing(self, gpu: FakeGpu, runner: TensorRtRunner, call: str) -> None:
        gpu.fail = {call}
        runner.close()
        assert gpu.depth == 0
        gpu.fail = set()

    def test_a_driver_that_refuses_to_launch_is_one_line(self, gpu: FakeGpu, runner: TensorRtRunner) -> None:
        gpu.launch_status = 719  # CUDA_ERROR_LAUNCH_FAILED
        with pytest.raises(TensorRtError, match=r"the GPU failed \(cuGraphLaunch: CUDA error 719\)"):
            runner.infer()
        assert gpu.depth == 0

    @pytest.mark.parametrize("call", ["synchronize", "push"])
    def test_a_lost_device_is_one_line_and_leaves_no_context_behind(
        self, gpu: FakeGpu, runner: TensorRtRunner, call: str
    ) -> None:
        gpu.fail = {call}
        with pytest.raises(TensorRtError, match="the GPU failed") as error:
            runner.infer()
        assert "\n" not in str(error.value) and gpu.depth == 0
        gpu.fail = set()

    def test_no_memory_left_is_one_line(self, gpu: FakeGpu, plan: Path) -> None:
        gpu.fail = {"mem_alloc"}
        with pytest.raises(TensorRtError, match="cannot be opened"):
            TensorRtRunner(plan, CudaContext())
        assert gpu.depth == 0

    def test_foreign_plan_says_what_to_do(self, gpu: FakeGpu, plan: Path) -> None:
        gpu.foreign_plan = True
        with pytest.raises(TensorRtError, match=r"another device.*exo-edge engines build"):
            TensorRtRunner(plan, CudaContext())

    def test_missing_plan_says_what_to_do(self, gpu: FakeGpu, tmp_path: Path) -> None:
        with pytest.raises(TensorRtError, match=r"No such file.*exo-edge engines build"):
            TensorRtRunner(tmp_path / "none", CudaContext())

    def test_closed_runner_refuses_to_run(self, gpu: FakeGpu, runner: TensorRtRunner) -> None:
        runner.close()
        assert gpu.count("cuGraphExecDestroy") == 1
        for call in (runner.infer, runner.start, runner.finish):
            with pytest.raises(ValueError, match="closed"):
                call()

    def test_unknown_memory_is_a_programming_error(self, gpu: FakeGpu, plan: Path) -> None:
        with pytest.raises(ValueError, match="one of auto, copy, mapped"):
            TensorRtRunner(plan, CudaContext(), "managed")

    def test_context_tells_what_a_plan_depends_on(self, gpu: FakeGpu) -> None:
        context = CudaContext()
        assert context.facts() == {
            "gpu": "Fake",
            "compute_capability": "8.7",
            "cuda": "12.6.0",
            "driver": "12060",
            "tensorrt": "0.fake",
        }
        context.close()
        context.close()
        assert gpu.count("detach") == 1


class Config:
    """A builder's configuration that remembers its flags."""

    def __init__(self) -> None:
        self.flags = {"TF32"}
        self.default_device_type = "GPU"
        self.DLA_core = -1
        self.tactics: int | None = None
        self.create_timing_cache: Any = None
        self.set_timing_cache: Any = None

    def set_flag(self, flag: str) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.flags.discard(flag)

    def set_tactic_sources(self, mask: int) -> None:
        self.tactics = mask

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.workspace = size


def layer(kind: str, dtype: str) -> Any:
    return SimpleNamespace(type=kind, num_outputs=1, precision=None, get_output=lambda i: SimpleNamespace(dtype=dtype))


def old_tensorrt(layers: list[Any], config: Config, **kinds: int) -> Any:
    """A builder's module as far as `build_plan` uses it; `kinds` are the flags of its networks."""
    flags = ("TF32", "FP16", "INT8", "GPU_FALLBACK", "PREFER_PRECISION_CONSTRAINTS")
    network = SimpleNamespace(num_layers=len(layers), get_layer=layers.__getitem__)

    def create(mask: int) -> Any:
        network.mask = mask
        return network

    builder = SimpleNamespace(
        num_DLA_cores=2,
        create_network=create,
        create_builder_config=lambda: config,
        build_serialized_network=lambda net, conf: b"plan",
    )
    return Module(
        __version__="fake",
        ILogger=type("ILogger", (), {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2}),
        Builder=lambda logger: builder,
        OnnxParser=lambda net, logger: SimpleNamespace(parse=lambda data: True),
        NetworkDefinitionCreationFlag=SimpleNamespace(**kinds),
        BuilderFlag=SimpleNamespace(**{name: name for name in flags}),
        MemoryPoolType=SimpleNamespace(WORKSPACE="workspace"),
        TacticSource=SimpleNamespace(__members__={"CUBLAS_LT": 1}),
        DeviceType=SimpleNamespace(GPU="GPU", DLA="DLA"),
        LayerType=SimpleNamespace(CONSTANT="constant", QUANTIZE="quantize"),
        float32="f32",
        float16="f16",
        network=network,
    )


class TestBuilding:
    """Which types and options the builders of old and new versions are given."""

    def test_weak_types_follow_the_graph(self) -> None:
        layers = [layer("conv", "f16"), layer("norm", "f32"), layer("constant", "f32"), layer("shape", "i32")]
        config = Config()
        api = old_tensorrt(layers, config, EXPLICIT_BATCH=0)
        assert build_plan(b"", BuildOptions(), api) == b"plan"
        assert api.network.mask == 1
        assert config.flags == {"FP16", "PREFER_PRECISION_CONSTRAINTS"}
        assert [one.precision for one in layers] == [None, "f32", None, None]

    def test_float32_networks_get_neither_half_nor_tf32(self) -> None:
        config = Config()
        build_plan(b"", BuildOptions(), old_tensorrt([layer("conv", "f32")], config, EXPLICIT_BATCH=0))
        assert config.flags == set()

    def test_quantized_networks_are_allowed_int8(self) -> None:
        config, layers = Config(), [layer("quantize", "i8"), layer("conv", "f32")]
        build_plan(b"", BuildOptions(), old_tensorrt(layers, config, EXPLICIT_BATCH=0))
        assert config.flags == {"INT8"}

    def test_strong_types_need_no_flags(self) -> None:
        config = Config()
        api = old_tensorrt([layer("conv", "f16")], config, EXPLICIT_BATCH=0, STRONGLY_TYPED=3)
        build_plan(b"", BuildOptions(), api)
        assert api.network.mask == 8 and config.flags == set()

    def test_dla_builds_are_weak_while_there_are_weak_types(self) -> None:
        config = Config()
        api = old_tensorrt([layer("conv", "f16")], config, EXPLICIT_BATCH=0, STRONGLY_TYPED=3)
        build_plan(b"", BuildOptions(dla_core=1), api)
        assert api.network.mask == 1
        assert (config.default_device_type, config.DLA_core) == ("DLA", 1)
        assert {"FP16", "GPU_FALLBACK"} <= config.flags
        with pytest.raises(TensorRtError, match="no DLA core 2"):
            build_plan(b"", BuildOptions(dla_core=2), api)

    def test_tactic_sources_by_name(self) -> None:
        config = Config()
        api = old_tensorrt([], config, EXPLICIT_BATCH=0)
        build_plan(b"", BuildOptions(tactic_sources=("CUBLAS_LT",), workspace_mib=8), api)
        assert config.tactics == 2 and config.workspace == 8 << 20
        with pytest.raises(TensorRtError, match="no tactic source CUDNN: CUBLAS_LT"):
            build_plan(b"", BuildOptions(tactic_sources=("CUDNN",)), api)

    @pytest.mark.parametrize("create", [(None, "new"), ("foreign", "new"), ("kept",), (None, None)])
    def test_a_timing_cache_that_does_not_fit_is_begun_anew(self, tmp_path: Path, create: tuple[Any, ...]) -> None:
        path, config, given = tmp_path / "timing.cache", Config(), list[bytes]()
        path.write_bytes(b"of another device")
        made = dict(zip((b"of another device", b""), create, strict=False))

        def created(data: bytes) -> Any:
            given.append(data)
            return made[data] and SimpleNamespace(name=made[data], serialize=made[data].encode)

        config.create_timing_cache = created
        config.set_timing_cache = lambda cache, ignore_mismatch: cache.name != "foreign" and not ignore_mismatch
        api = old_tensorrt([layer("conv", "f32")], config, EXPLICIT_BATCH=0)
        assert build_plan(b"", BuildOptions(timing_cache=path), api) == b"plan"
        assert path.read_bytes() == (create[-1] or "of another device").encode()
        assert given == [b"of another device", b""][: len(create)] and list(tmp_path.iterdir()) == [path]

    def test_a_plan_is_not_lost_where_the_timing_cache_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config, path = Config(), tmp_path / "timing.cache"
        path.mkdir()  # neither to be read nor replaced, whoever tries
        config.create_timing_cache = lambda data: SimpleNamespace(serialize=lambda: b"timings")
        config.set_timing_cache = lambda cache, ignore_mismatch: True
        api = old_tensorrt([layer("conv", "f32")], config, EXPLICIT_BATCH=0)
        assert build_plan(b"", BuildOptions(timing_cache=path), api) == b"plan"
        assert list(tmp_path.iterdir()) == [path]

    def test_the_last_word_on_the_configuration_is_the_callers(self) -> None:
        config = Config()
        api = old_tensorrt([], config, EXPLICIT_BATCH=0)
        build_plan(b"", BuildOptions(configure=lambda given: given.set_flag("TF32")), api)
        assert config.flags == {"TF32"}

    def test_a_refusal_is_one_line_with_or_without_its_reason(self) -> None:
        for errors, said in ((["In node 3:\n  no"], "In node 3: no"), ([], "no reason given")):
            described = [SimpleNamespace(desc=lambda line=line: line) for line in errors]
            parser = SimpleNamespace(parse=lambda data: False, num_errors=len(errors), get_error=described.__getitem__)
            api = old_tensorrt([], Config(), EXPLICIT_BATCH=0)
            api.OnnxParser = lambda net, logger, parser=parser: parser
            with pytest.raises(TensorRtError, match=f"cannot read the network: {said}$"):
                build_plan(b"", BuildOptions(), api)

    def test_no_gpu_is_one_line(self) -> None:
        def none(logger: Any) -> Any:
            raise TypeError("pybind11::init(): factory function returned nullptr")

        api = old_tensorrt([], Config(), EXPLICIT_BATCH=0)
        api.Builder = none
        with pytest.raises(TensorRtError, match="offers no builder on this machine"):
            build_plan(b"", BuildOptions(), api)


class TestAlone:
    """The module runs on a device that has nothing of this product."""

    def test_imports_only_what_a_device_has(self) -> None:
        nodes = list(ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        foreign = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
        assert foreign == {"numpy"}  # tensorrt and pycuda are loaded when they are needed

    def test_is_python_3_9(self) -> None:
        tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 9))
        keywords = {k.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords}
        assert not keywords & {"slots", "kw_only", "strict"}

    def test_absent_libraries_are_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        with pytest.raises(TensorRtError, match=r"tensorrt cannot be loaded .* docs/jetson.md"):
            build_plan(b"")
