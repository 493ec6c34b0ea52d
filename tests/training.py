"""Recipes shrunk to the smallest size that still has every part, for tests."""

import dataclasses

from lab.train.recipe import Recipe, read

TINY = {
    "srcnn": {"middle": 1},
    "espcn": {},
    "srresnet": {"blocks": 1, "width": 8, "batch_norm": False, "bicubic_skip": True},
    "rrdb": {"blocks": 1, "width": 8, "growth": 4},
    "spsr": {"blocks": 2, "width": 8, "growth": 4, "taps": [1, 2], "branch_growth": 4},
    "deblurgan": {"blocks": 1, "width": 8},
    "srnet": {"width": 8},
    "features": {},
}


def tiny(name: str, **changes) -> Recipe:
    """The recipe `name` with a tiny network, tiny critics and small crops, started from nothing; `changes` to what is shipped."""
    recipe = read(name)
    shipped = recipe.shipped
    family = {"kind": shipped.arguments.get("kind"), "width": 8, "blocks": 1}
    arguments = TINY.get(recipe.network, family)
    critics = tuple(dataclasses.replace(plan, arguments=dict.fromkeys(plan.arguments, 8)) for plan in shipped.critics)
    small = {"arguments": arguments, "critics": critics, "patch": 32, "batch": 2, "alone": min(shipped.alone, 5)}
    return dataclasses.replace(recipe, start_from=None, shipped=dataclasses.replace(shipped, **{**small, **changes}))
