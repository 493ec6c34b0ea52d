"""StackedG, ResG and NonBN-ResG: Fan & Wang, "Improved image sharpness method based on generative adversarial
network", Computer Systems & Applications 30(2) (2021)."""

from __future__ import annotations

from torch import Tensor, nn

from lab.networks.initialise import kaiming

KINDS = ("stackedg", "resg", "nonbn-resg")


class Residual(nn.Module):
    """Two convolutions plus the input, with batch normalisation and ReLU (ResG) or PReLU alone (NonBN-ResG)."""

    def __init__(self, width: int, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm)
        self.norm1 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.activation = nn.ReLU() if batch_norm else nn.PReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm)
        self.norm2 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(self.activation(self.norm1(self.conv1(x)))))


def stacked_block(width: int) -> nn.Sequential:
    """The same two convolutions with nothing to add them to: conv-ReLU-conv-ReLU."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
    )


class ResG(nn.Module):
    """The sharpening generator and its two ablations: one picture in, one of the same size out.

    Args:
        kind: "stackedg": plain stacked convolutions, no skips at all. "resg": conv-BN-ReLU-conv-BN blocks.
            "nonbn-resg": conv-PReLU-conv blocks, the paper's own.
        width, blocks: channels and number of blocks; five blocks in the paper, whose widths are not printed.

    SAME convolutions throughout, no pooling. The paper prints neither widths nor kernel sizes; the field's usual ones
    stand in: 9x9 head and tail, 3x3 blocks, 64 channels. Its skips are nested, pixel by pixel: one in each block, and a
    long one round the trunk that carries detail to the top. Where exactly that long skip starts and ends is not
    printed. Here it has both ends one can read into it: the head's features are added after the trunk, and the
    picture itself is added to the output, so that the layers learn the correction alone. StackedG has neither.

    He's normal initialisation; a hundredth of it for the last layer of the two residual kinds, which so start close to
    the identity, and a tenth of it for the blocks without batch normalisation.

    Raises:
        ValueError: `kind` is not one of the three.
    """

    scale = 1

    def __init__(self, kind: str = "nonbn-resg", width: int = 64, blocks: int = 5) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"ResG's kind must be one of {', '.join(KINDS)}, not {kind!r}.")
        self.skips = kind != "stackedg"
        self.head = nn.Conv2d(3, width, 9, padding=4)
        self.activation = nn.PReLU() if kind == "nonbn-resg" else nn.ReLU()
        if self.skips:
            self.body = nn.Sequential(*[Residual(width, batch_norm=kind == "resg") for _ in range(blocks)])
        else:
            self.body = nn.Sequential(*[stacked_block(width) for _ in range(blocks)])
        self.tail = nn.Conv2d(width, 3, 9, padding=4)
        kaiming(self)
        if kind == "nonbn-resg":
            kaiming(self.body, 0.1)
        if self.skips:
            kaiming(self.tail, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map blurred RGB [0, 1] (N, 3, H, W) to sharp RGB of the same shape, unclamped."""
        shallow = self.activation(self.head(x))
        if not self.skips:
            return self.tail(self.body(shallow))
        return x + self.tail(shallow + self.body(shallow))
