"""What a network is trained to make small. One file a family; recipes weigh and add them.

All are means over batch and pixels, so that their weights depend on neither batch nor crop size. Targets need no gradient:
compute their features under torch.no_grad().
"""

from lab.train.losses.adversarial import (
    critic_generator_loss,
    critic_loss,
    gan_discriminator_loss,
    gan_generator_loss,
    gradient_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    resg_discriminator_loss,
    resg_generator_loss,
)
from lab.train.losses.gradient import branch_loss, gradient_map_loss, gradient_strength, grid
from lab.train.losses.perceptual import RESG_LAYERS, content_loss, resg_perceptual_loss, texture_loss
from lab.train.losses.pixel import chroma, coarse, flat, l1, lattice, mse, overshoot, total_variation
from lab.train.losses.spectrum import spectrum_loss
from lab.train.losses.stripes import LEVEL, OBLIQUE, UPRIGHT, direction_of, striped, unevenness

__all__ = [
    "LEVEL",
    "OBLIQUE",
    "RESG_LAYERS",
    "UPRIGHT",
    "branch_loss",
    "chroma",
    "coarse",
    "content_loss",
    "critic_generator_loss",
    "critic_loss",
    "direction_of",
    "flat",
    "gan_discriminator_loss",
    "gan_generator_loss",
    "gradient_map_loss",
    "gradient_penalty",
    "gradient_strength",
    "grid",
    "l1",
    "lattice",
    "mse",
    "overshoot",
    "relativistic_discriminator_loss",
    "relativistic_generator_loss",
    "resg_discriminator_loss",
    "resg_generator_loss",
    "resg_perceptual_loss",
    "spectrum_loss",
    "striped",
    "texture_loss",
    "total_variation",
    "unevenness",
]
