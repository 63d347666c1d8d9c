"""The devices of a run: one in plain torch, or many through Lightning Fabric."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..system._optional import import_optional

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")

Gather = Callable[[Tensor], Tensor]


class Engine(Protocol):
    """Where the loop computes, and with whom.

    Attributes
    ----------
    device : torch.device
    rank, world_size : int
        Which of how many processes this is.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
    gather : callable or None
        Puts the rows of all processes together, and hands their gradients back.
    """

    device: torch.device
    rank: int
    world_size: int
    precision: str
    gather: Gather | None

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """Give the model and optimizer as they are to be called."""

    def autocast(self) -> AbstractContextManager:
        """The precision of the forward pass."""

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of a loss."""

    def clip_gradients(self, model: nn.Module, optimizer: Optimizer, largest_norm: float) -> None:
        """Scale gradients down to a norm; model and optimizer are those that `setup` gave."""

    def agree(self, value):
        """The value that the first process has, so that all decide the same."""

    def state_dict(self) -> dict:
        """What the engine itself has learned: the scale of 16-bit gradients."""

    def load_state_dict(self, state: dict) -> None: ...


class SingleDevice:
    """One process on one device, in plain torch.

    Parameters
    ----------
    device : torch.device
    precision : {"32-true", "bf16-mixed"}
    """

    rank, world_size = 0, 1
    gather: Gather | None = None

    def __init__(self, device: torch.device, precision: str):
        self.device = device
        self.precision = precision

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        return model, optimizer

    def autocast(self) -> AbstractContextManager:
        if self.precision == "32-true":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def clip_gradients(self, model: nn.Module, optimizer: Optimizer, largest_norm: float) -> None:
        nn.utils.clip_grad_norm_(model.parameters(), largest_norm)

    def agree(self, value):
        return value

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state: dict) -> None:
        pass


class FabricEngine:
    """Many processes, or another precision, through Lightning Fabric.

    Parameters
    ----------
    accelerator : {"cpu", "cuda"}
    devices, num_nodes : int
    precision : {"32-true", "bf16-mixed", "16-mixed"}
    """

    def __init__(self, accelerator: str, devices: int, num_nodes: int, precision: str):
        fabric = _import_fabric()
        many = devices * num_nodes > 1
        if many and _is_interactive():
            raise _no_program(devices)
        self._fabric = fabric.Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            precision=precision,
            strategy="ddp" if many else "auto",
        )
        if many and not (_is_started_by_others(self._fabric) or _is_program()):
            raise _no_program(devices)
        self._fabric.launch()
        self.device, self.precision = self._fabric.device, precision
        self.rank, self.world_size = self._fabric.global_rank, self._fabric.world_size
        self.gather: Gather | None = gather_rows if self.world_size > 1 else None

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        if self.world_size > 1 and self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return self._fabric.setup(model, optimizer)

    def autocast(self) -> AbstractContextManager:
        return self._fabric.autocast()

    def backward(self, loss: Tensor) -> None:
        self._fabric.backward(loss)

    def clip_gradients(self, model: nn.Module, optimizer: Optimizer, largest_norm: float) -> None:
        self._fabric.clip_gradients(model, optimizer, max_norm=largest_norm)

    def agree(self, value):
        return self._fabric.broadcast(value)

    def state_dict(self) -> dict:
        return self._fabric.strategy.precision.state_dict()

    def load_state_dict(self, state: dict) -> None:
        self._fabric.strategy.precision.load_state_dict(state)


def _is_started_by_others(fabric) -> bool:
    """Whether torchrun, a cluster or the first process of the program started this one."""
    return fabric.strategy.cluster_environment.creates_processes_externally


def _is_interactive() -> bool:
    """Whether somebody types what runs here, in a console or notebook."""
    ipython = sys.modules.get("IPython")
    in_ipython = ipython is not None and ipython.get_ipython() is not None
    return in_ipython or hasattr(sys, "ps1") or bool(sys.flags.interactive)


def _is_program() -> bool:
    """Whether what runs here can be started again: a script or module, not one of its workers."""
    if multiprocessing.current_process().name != "MainProcess":
        return False
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None or os.path.isfile((sys.argv or [""])[0])


def _no_program(devices: int) -> ValueError:
    return ValueError(
        f"devices={devices} starts the program once for each device, and what runs here cannot be "
        "started again: a notebook, a console, `python -c` or a worker process. Put the training "
        'into a script, under `if __name__ == "__main__":`, and run that, by itself or with '
        "torchrun; or train on shards with `skw2c distill`; or choose devices=1"
    )


class _GatherRows(torch.autograd.Function):
    """Rows of all processes; each process gets the gradients that all have for its rows."""

    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        import torch.distributed as dist

        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        ctx.n_rows = len(rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        import torch.distributed as dist

        # Summed over the processes, because data-parallel training divides by their number
        # afterwards.
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        first = dist.get_rank() * ctx.n_rows
        return gradient[first : first + ctx.n_rows]


def gather_rows(rows: Tensor) -> Tensor:
    """Put the rows of all processes together, the same number from each, in their order."""
    return _GatherRows.apply(rows)


def choose_engine(devices: str | int, num_nodes: int, precision: str) -> Engine:
    """Make the engine that the parameters of an estimator ask for.

    Parameters
    ----------
    devices : {"auto", "cpu"} or int
        ``"auto"`` is one GPU where there is one, else the CPU; in a program that was started
        by ``torchrun`` it is as many as that started. A number counts GPUs, or processes of
        the CPU where there is no GPU.
    num_nodes : int
    precision : {"auto", "32-true", "bf16-mixed", "16-mixed"}
        ``"auto"`` is bfloat16 on a GPU that has it, else float32.

    Raises
    ------
    OptionalDependencyError
        If more than one device, or ``"16-mixed"``, is asked for without the extra ``train``.
    ValueError
        If there are fewer GPUs; or if more than one process is asked for in a notebook or
        console, by ``python -c`` or in a worker process, none of which can be started again.
    """
    has_gpu = torch.cuda.is_available() and devices != "cpu"
    if isinstance(devices, str):
        devices = int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if devices == "auto" else 1
    launched = int(os.environ.get("WORLD_SIZE", devices * num_nodes))
    if launched != devices * num_nodes:
        raise ValueError(
            f"the program was started as {launched} processes, and devices={devices} on "
            f"num_nodes={num_nodes} makes {devices * num_nodes}: state both numbers as started"
        )
    if has_gpu and devices > torch.cuda.device_count():
        raise ValueError(f"devices={devices}, and there are {torch.cuda.device_count()} GPUs here")
    accelerator = "cuda" if has_gpu else "cpu"
    if precision == "auto":
        precision = "bf16-mixed" if has_gpu and _has_bf16() else "32-true"
    if devices * num_nodes > 1 or precision == "16-mixed":
        return FabricEngine(accelerator, devices, num_nodes, precision)
    return SingleDevice(torch.device(accelerator), precision)


def _has_bf16() -> bool:
    """Whether the GPU computes in bfloat16 itself, rather than by emulation."""
    return torch.cuda.get_device_capability()[0] >= 8


def _import_fabric():
    try:
        return import_optional("lightning.fabric", extra="train", purpose="")
    except ImportError:
        return import_optional(
            "lightning_fabric", extra="train", purpose="Training on several devices, or in 16 bits,"
        )
