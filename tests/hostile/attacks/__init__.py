"""All attacks, a class of them in each file."""

import importlib
import pkgutil

CLASSES = sorted(module.name for module in pkgutil.iter_modules(__path__))
ATTACKS = [attack for name in CLASSES for attack in importlib.import_module(f"{__name__}.{name}").ATTACKS]

assert len({attack.name for attack in ATTACKS}) == len(ATTACKS), "two attacks have one name"
