"""What a training runs on: whether bf16 pays, and the machine's name for the card."""

import platform
from pathlib import Path

import torch

PROCESSOR = Path("/proc/cpuinfo")


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bf16 is faster than float32 here: in the GPU's or the processor's instructions, not emulated."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return PROCESSOR.is_file() and any(word in PROCESSOR.read_text() for word in ("avx512_bf16", "amx_bf16"))


def hardware(device: torch.device) -> str:
    """What the card says of the machine: the GPU's name, or the processor's with the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    if PROCESSOR.is_file():
        lines = PROCESSOR.read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"
