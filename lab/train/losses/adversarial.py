"""Adversarial losses on scores without a sigmoid, as the lab's discriminators return them: of any shape, the batch first.

"real" are the scores of sharp pictures, "fake" those of results. `softplus(-x)` is -log(sigmoid(x)) and `softplus(x)` is
-log(1 - sigmoid(x)), without the overflow and the log(0) of writing them out.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def gan_generator_loss(fake: Tensor) -> Tensor:
    """Mean -log D(G(x)): the non-saturating loss of Goodfellow et al. (2014, section 3); SRGAN's eq. 6, weighted 1e-3."""
    return F.softplus(-fake.float()).mean()


def gan_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean -log D(s) plus mean -log(1 - D(G(x))): Goodfellow et al. (2014), eq. 1, with the sign turned."""
    return F.softplus(-real.float()).mean() + F.softplus(fake.float()).mean()


def resg_generator_loss(fake: Tensor) -> Tensor:
    """Mean -D(G(b)), with D between 0 and 1: NonBN-ResG-L's rewritten eq. 6 (Fan and Wang 2021).

    Unlike -log D, it hardly moves the generator while the discriminator is certain: its gradient is D (1 - D). The
    mean stands where the paper sums over the batch.
    """
    return -torch.sigmoid(fake.float()).mean()


def resg_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean -(log(1 - D(G(b))) + log D(s)): NonBN-ResG-L's eq. 7 (Fan and Wang 2021), which is the standard GAN's."""
    return gan_discriminator_loss(real, fake)


def relativistic_generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The generator's side of the relativistic average GAN: fakes should score above the average real, and reals below.

    ESRGAN (Wang et al. 2018), eq. 2, after Jolicoeur-Martineau (2018): the mean of -log(1 - D(s, G(x))) and that of
    -log D(G(x), s) with D(a, b) = sigmoid(score(a) - mean score(b)). Half their sum, as the authors' code has it; the
    paper has the sum. The scores of the real pictures do not depend on the generator and are detached.
    """
    real, fake = real.detach().float(), fake.float()
    return (F.softplus(real - fake.mean()).mean() + F.softplus(real.mean() - fake).mean()) / 2


def relativistic_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's side of `relativistic_generator_loss`: ESRGAN's eq. 1, halved as in the authors' code.

    One loss with gradients through both means, as in the authors' code of 2018. (BasicSR's later code takes two
    backward passes with the means detached, which gives other gradients.)
    """
    real, fake = real.float(), fake.float()
    return (F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()) / 2


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean D(G(x)) minus mean D(s): the critic's side of the Wasserstein GAN (Arjovsky et al. 2017), without the penalty."""
    return fake.float().mean() - real.float().mean()


def critic_generator_loss(fake: Tensor) -> Tensor:
    """Mean -D(G(x)): the generator's side of the Wasserstein GAN (Arjovsky et al. 2017); DeblurGAN's too."""
    return -fake.float().mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
    """How far the critic's slope is from 1 between real and fake: Gulrajani et al. (2017), eq. 3; DeblurGAN weighs it 10.

    The slope is one number a sample, the norm of the gradient over all its pixels and channels, at a point drawn for
    that sample. (DeblurGAN's code takes the norm over the channels of each pixel, and one point for the whole batch:
    not this penalty.) A critic that scores patches has their mean as its score, as in `critic_loss`.

    Args:
        critic: must not mix the samples of a batch, so no batch normalisation.
        real, fake: pictures (N, C, H, W) in the critic's range; no gradient reaches them.
        alpha: (N,), each drawn evenly from [0, 1]: 1 is the real picture, 0 the fake. The caller draws it, so that a
            resumed run draws the same.

    Returns:
        The mean of (norm - 1)^2, differentiable in the critic's weights.
    """
    alpha = alpha.view(-1, 1, 1, 1)
    between = (alpha * real.detach() + (1 - alpha) * fake.detach()).requires_grad_()
    scores = critic(between).float().flatten(1).mean(dim=1)
    (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()
