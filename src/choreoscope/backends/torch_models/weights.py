"""Networks from what the user brings: hub folders, TorchScript and ONNX files, pinned by hash."""

import contextlib
import dataclasses
import importlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from choreoscope.backends.torch_models.device import Device, failures, guard_memory, threads_for
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.weights.brought import brought

if TYPE_CHECKING:
    import torch

Kind = TypeVar("Kind")

LOAD_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What hub libraries raise at folders that do not hold what they should."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Weights the user brings.

    Attributes
    ----------
    weights : str
        Where the weights lie: a folder or a file, see docs/models.md.
    sha256 : str
        Hash the weights must have; the first run without one stops and says what it is.
    device : {"auto", "cpu", "cuda", "mps"}
        Where the network runs; auto: CUDA where there is one, else the processor.
    """

    weights: str = ""
    sha256: str = ""
    device: Device = "auto"


def read_options(kind: type[Kind], options: Mapping[str, Any], name: str) -> Kind:
    """Make a back end's options from what the configuration says.

    Raises
    ------
    InputError
        If an option is unknown, or the options refuse a value.
    """
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for option in options:
        if option not in known:
            raise InputError(f"{name} knows no option '{option}'; it has {', '.join(known)}")
    return kind(**options)


def brought_folder(
    options: Brought, *, model: str, source: str, types: tuple[str, ...], part: str = ""
) -> Path:
    """Return a model hub folder once its hash is right and its network is of the right type.

    Parameters
    ----------
    options : Brought
        Where, and which hash.
    model, source : str
        For errors: the back end; where to get the weights.
    types : tuple of str
        What ``model_type`` (transformers) or ``_class_name`` (diffusers) may be.
    part : str
        Folder inside it whose type is looked at.

    Raises
    ------
    WeightsError
        If it is absent, another, or of another type.
    """
    folder = brought(options.weights, options.sha256, model=model, source=source)
    index = folder / part / "model_index.json"
    config = read_json(index if index.exists() else folder / part / "config.json")
    found = config.get("model_type", config.get("_class_name"))
    if found not in types:
        raise WeightsError(
            f"{model}: expected {folder} to hold a network of type {' or '.join(types)}, "
            f"got {found}; get {source}"
        )
    return folder


def brought_file(
    options: Brought, *, model: str, source: str, suffixes: tuple[str, ...] = (".pt", ".onnx")
) -> Path:
    """Return a TorchScript or ONNX file once its hash is right.

    Raises
    ------
    WeightsError
        If it is absent, another, or has another suffix.
    """
    place = brought(options.weights, options.sha256, model=model, source=source)
    if place.suffix not in suffixes or not place.is_file():
        raise WeightsError(
            f"{model}: expected a file {' or '.join(suffixes)}, got {place.name}; get {source}"
        )
    return place


def read_json(path: Path) -> dict[str, Any]:
    """Read one of a hub folder's small files.

    Raises
    ------
    WeightsError
        If it is absent or no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); fetch the folder again") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: expected a JSON object, got {type(found).__name__}")
    return found


@contextlib.contextmanager
def quiet_offline() -> Iterator[None]:
    """Import and load hub libraries without network, telemetry, progress bars or advice."""
    # Read once, when the hub client is imported; whoever sets it otherwise before knows why.
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "1")
    with warnings.catch_warnings():
        # Third parties' advice to their own developers; errors still come through.
        warnings.simplefilter("ignore")
        yield


def without_voice(logging: Any) -> None:  # noqa: ANN401 - a module of theirs
    """Keep a hub library's advice and progress bars off the screen."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def hub_network(
    kind: str,
    folder: Path,
    *,
    device: str,
    dtype: "torch.dtype | None" = None,
    library: Literal["transformers", "diffusers"] = "transformers",
) -> Any:  # noqa: ANN401 - a class of a library without types of its own here
    """Load a network of a hub library, every weight of it, for inference.

    Parameters
    ----------
    kind : str
        Name of the class.
    folder : Path
        From `brought_folder`, or inside it.
    device : str
        From `device_for`.
    dtype : torch.dtype, optional
        Precision; float32 without it.

    Raises
    ------
    WeightsError
        If the folder lacks weights of the network or holds some of other shapes: the libraries
        themselves would fill those with random numbers.
    """
    import torch
    from safetensors import SafetensorError

    precision = {"transformers": "dtype", "diffusers": "torch_dtype"}[library]
    with quiet_offline(), guard_memory():
        module = importlib.import_module(library)
        without_voice(importlib.import_module(f"{library}.utils.logging"))
        try:
            network, found = getattr(module, kind).from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                **{precision: dtype or torch.float32},
            )
        except (*LOAD_ERRORS, SafetensorError) as error:
            raise WeightsError(f"{folder} does not load as {kind}: {error}") from error
    wrong = sorted([*found["missing_keys"], *(str(one) for one in found["mismatched_keys"])])
    if wrong:
        raise WeightsError(
            f"{folder}: {len(wrong)} weights of {kind} are missing or have other shapes, "
            f"for example {wrong[0]}; fetch the folder again"
        )
    return network.to(device).eval()


def script_network(path: Path, *, device: str) -> Any:  # noqa: ANN401
    """Load a TorchScript file for inference; only from `brought_file`, it can hold any code.

    Raises
    ------
    WeightsError
        If it is none.
    """
    import torch

    with warnings.catch_warnings(), guard_memory():
        # PyTorch advises its successor, which these published files are not made with.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        try:
            network = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, OSError) as error:
            raise WeightsError(f"{path} is no TorchScript file ({error})") from error
    return network.eval()


def onnx_session(path: Path, settings: RunSettings, device: Device = "auto") -> Any:  # noqa: ANN401
    """Open an ONNX file: our share of the threads, no telemetry, nothing on the screen.

    Raises
    ------
    WeightsError
        If it cannot be run here.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads_for(settings)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    there = onnxruntime.get_available_providers()
    wanted = ["CUDAExecutionProvider"] if device in ("auto", "cuda") else []
    providers = [name for name in wanted if name in there]
    try:
        with guard_memory():
            return onnxruntime.InferenceSession(
                str(path), options, providers=[*providers, "CPUExecutionProvider"]
            )
    except failures() as error:
        raise WeightsError(f"{path} cannot be run ({str(error).splitlines()[0]})") from error


def run_onnx(session: Any, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Run a session on arrays by input name; the outputs by name.

    Raises
    ------
    MemoryError
        If it is too much at once.
    """
    names = [entry.name for entry in session.get_outputs()]
    with guard_memory():
        found = session.run(names, dict(feeds))
    return dict(zip(names, found, strict=True))
