"""Where a model runs: what is chosen and why, and the errors of what cannot be; no GPU and no torch needed."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gptcli.engine import placement
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement, choose_placement, imports_torch, physical_cores, thread_count
from gptcli.errors import ConfigError, DeviceError, ModelError


def chosen(*, head_dim: int = 64, **options: Any) -> tuple[str, str, str]:
    """Return the backend, the device and the number type."""
    place = choice(head_dim=head_dim, **options)
    return place.backend, place.device, place.dtype


def choice(*, head_dim: int = 64, **options: Any) -> Placement:
    """Return the placement of a model."""
    return choose_placement(ModelOptions(**options), head_dim)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take all GPUs away, and torch with them."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(placement, "DRIVER_FILES", (str(tmp_path / "absent"),))
    monkeypatch.setitem(sys.modules, "gptcli.engine.torch_backend", None)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Pretend that there is one GPU, which computes in bfloat16."""
    (tmp_path / "driver").touch()
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(placement, "DRIVER_FILES", (str(tmp_path / "absent"), str(tmp_path / "driver")))
    torch_backend = ModuleType("gptcli.engine.torch_backend")

    def check_device(device: str) -> None:
        if device not in ("cuda", "cuda:0"):
            raise DeviceError(f"--device {device}: torch sees 1 cuda devices; use --device cpu")

    vars(torch_backend).update(
        default_device=lambda: "cuda", check_device=check_device, has_bfloat16=lambda device: device != "cpu"
    )
    monkeypatch.setitem(sys.modules, "gptcli.engine.torch_backend", torch_backend)
    return torch_backend


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("options", [{}, {"device": "cpu"}, {"backend": "onnx"}, {"dtype": "float32"}])
def test_without_a_driver_the_cpu_runs_onnx_in_float32(options: dict[str, Any]) -> None:
    assert chosen(**options) == ("onnx", "cpu", "float32")


@pytest.mark.usefixtures("no_driver")
def test_int8_is_for_onnx_on_the_cpu() -> None:
    assert chosen(dtype="int8") == ("onnx", "cpu", "int8")


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_was_named_and_is_absent_is_an_error(device: str) -> None:
    with pytest.raises(DeviceError, match=rf"--device {device}: no such device .* use --device cpu"):
        chosen(device=device)


@pytest.mark.usefixtures("no_driver")
def test_the_reason_says_that_no_driver_was_found() -> None:
    assert choice().reason == "the CPU: no GPU driver found"
    assert choice(device="cpu").reason == "the CPU, as asked"


@pytest.mark.usefixtures("gpu")
def test_with_a_gpu_torch_runs_on_it_in_bfloat16() -> None:
    assert chosen() == ("torch", "cuda", "bfloat16")
    assert choice().reason == "cuda: chosen by accelerate; bfloat16: compute capability 8.0 or later"
    assert chosen(dtype="float32") == ("torch", "cuda", "float32")
    assert chosen(device="cuda:0", dtype="float16") == ("torch", "cuda:0", "float16")


def test_an_old_gpu_runs_in_float32(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "has_bfloat16", lambda device: False)
    assert chosen() == ("torch", "cuda", "float32")


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_torch_does_not_see_is_an_error() -> None:
    with pytest.raises(DeviceError, match="torch sees 1 cuda devices"):
        chosen(device="cuda:3")


def test_a_driver_without_a_gpu_that_works_leaves_the_choice_to_onnx(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "default_device", lambda: "cpu")
    assert chosen() == ("onnx", "cpu", "float32")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("options", [{"device": "cpu"}, {"backend": "onnx"}, {"dtype": "int8"}])
def test_what_only_a_cpu_runs_stays_there_beside_a_gpu(options: dict[str, Any]) -> None:
    assert chosen(**options)[:2] == ("onnx", "cpu")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu_is_none(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert chosen()[0] == "onnx"
    with pytest.raises(DeviceError):
        chosen(device="cuda")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("options", [{"backend": "torch"}, {"dtype": "bfloat16"}, {"dtype": "float16"}])
def test_torch_runs_on_the_cpu_when_asked_for_what_it_alone_has(options: dict[str, Any]) -> None:
    assert chosen(device="cpu", **options)[:2] == ("torch", "cpu")


@pytest.mark.usefixtures("gpu")
def test_heads_that_onnx_cannot_take_go_to_torch_and_the_reason_says_so() -> None:
    place = choice(device="cpu", head_dim=20)
    assert (place.backend, place.dtype) == ("torch", "float32")
    assert "torch, for heads of width 20" in place.reason


@pytest.mark.parametrize("options", [{"backend": "onnx"}, {"dtype": "int8"}])
def test_onnx_that_was_asked_for_refuses_heads_that_it_cannot_take(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="multiple of 8, this model's is 20; use --backend torch"):
        chosen(device="cpu", head_dim=20, **options)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"backend": "onnx", "dtype": "bfloat16"}, "--backend onnx .* does not go with --dtype bfloat16"),
        ({"backend": "onnx", "dtype": "float16"}, "--backend onnx .* does not go with --dtype float16"),
        ({"backend": "onnx", "device": "cuda"}, "--backend onnx .* does not go with --device cuda"),
        ({"backend": "torch", "dtype": "int8"}, "--dtype int8 needs --backend onnx"),
        ({"device": "cuda", "dtype": "int8"}, "--dtype int8 .* does not go with --device cuda"),
        ({"device": "tpu"}, "--device must be auto, cpu, cuda"),
    ],
)
def test_contradictions_are_refused_by_name(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        chosen(**options)


def test_there_is_at_least_one_core() -> None:
    assert physical_cores() >= 1


def test_processes_of_one_machine_divide_its_cores_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "physical_cores", lambda: 7)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as torchrun sets it where nobody has
    for processes, threads in ((1, 7), (2, 3), (7, 1), (20, 1)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        assert thread_count(ModelOptions()) == threads
    assert thread_count(ModelOptions(threads=5)) == 5


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("64", 8), ("0", 7), ("4,2", 7), ("", 7)])
def test_a_process_alone_takes_the_threads_that_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, told: str, threads: int
) -> None:
    monkeypatch.setattr(placement, "physical_cores", lambda: 7)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert thread_count(ModelOptions()) == threads
    assert thread_count(ModelOptions(threads=5)) == 5


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_each_process_gets_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str) -> None:
    (tmp_path / "driver").touch()
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(placement, "DRIVER_FILES", (str(tmp_path / "driver"),))
    for name, answer in (("is_available", True), ("device_count", 2), ("get_device_capability", (7, 0))):
        monkeypatch.setattr(f"torch.cuda.{name}", lambda *_, answer=answer: answer)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    for rank in ("0", "1"):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert choice(device=device).device == f"cuda:{rank}"
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(DeviceError, match="process 2 has no GPU: torch sees 2; start that many, or use --device cpu"):
        choice(device=device)


@pytest.mark.parametrize(
    ("options", "imported"),
    [
        ({}, False),
        ({"dtype": "float16"}, True),
        ({"dtype": "int8"}, False),
        ({"backend": "torch"}, True),
        ({"device": "cuda"}, True),
    ],
)
def test_it_is_known_beforehand_whether_torch_is_imported(
    no_driver: None, options: dict[str, Any], imported: bool
) -> None:
    """`explain --dtype float16` took 5.7 s instead of 0.7 s, without a word why."""
    assert imports_torch(ModelOptions(**options)) == imported
