"""What a module that a task asks for has to be: parameters of just these names and shapes, each a tensor of its own."""


class BrokenError(Exception):
    """An answer that is not what was asked for, whatever it computes; the text is for the learner."""


def hold_to_the_contract(module, inputs, build):
    """Raise `BrokenError` unless the module's parameters have just these names and shapes, each a tensor of its own."""
    expected, found = build.parameters(inputs), dict(module.named_parameters(remove_duplicate=False))
    missing, extra = [n for n in expected if n not in found], [n for n in found if n not in expected]
    if missing:
        raise BrokenError(_missing(module, missing, extra, build))
    if extra:
        raise BrokenError(
            f"Your {build.module} has parameters that the task does not ask for: {_listed(extra)}. "
            f"{f'It has just these: {_listed(expected)}.' if expected else 'It has none.'}"
        )
    for name, weight in expected.items():
        if found[name].shape != weight.shape:
            said = ", ".join(f"{each}={inputs[each]}" for each in build.arguments)
            turned = tuple(found[name].shape) == tuple(weight.shape)[::-1]
            hint = f" {_other_way_round(module.get_submodule(name.rpartition('.')[0]))}" if turned else ""
            raise BrokenError(
                f"The parameter `{name}` has shape {tuple(found[name].shape)}; expected {tuple(weight.shape)} where "
                f"{build.module} is built with ({said}).{hint}"
            )
    homes = {}
    for name, parameter in found.items():
        if (other := homes.setdefault(id(parameter), name)) != name:
            raise BrokenError(
                f"`{name}` and `{other}` are one and the same parameter: one module stands in both places. Build a new "
                f"one for each."
            )


def _other_way_round(module):
    import torch

    keeps = {
        torch.nn.Linear: ": nn.Linear(inputs, outputs) keeps (outputs, inputs)",
        torch.nn.Embedding: ": nn.Embedding(tokens, size) has a row for every token",
    }
    return f"That is the other way round{keeps.get(type(module), '')}."


def _missing(module, missing, extra, build):
    """Return what to say of parameters that are not there, and of what stands in their place."""
    import torch

    first = missing[0]
    owner_path, _, last = first.rpartition(".")
    parts = first.split(".")
    for depth in range(len(parts)):
        owner = _at(module, parts[:depth])
        value = getattr(owner, parts[depth], None) if owner is not None else None
        path = ".".join(parts[: depth + 1])
        if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
            return (
                f"`{path}` is a plain tensor, which PyTorch does not count among the parameters: no optimizer would "
                f"ever change it. Wrap it in nn.Parameter(...), or let an nn.Linear hold it."
            )
        if isinstance(value, list | tuple) and any(isinstance(one, torch.nn.Module) for one in value):
            return (
                f"`{path}` is a Python {type(value).__name__} of modules, into which PyTorch does not look: their "
                f"parameters are lost to it. nn.ModuleList(...) holds modules so that they count."
            )
        if isinstance(value, dict) and any(isinstance(one, torch.nn.Module) for one in value.values()):
            return (
                f"`{path}` is a Python dict of modules, into which PyTorch does not look. nn.ModuleDict(...) does it."
            )
        is_last = depth + 1 == len(parts)
        if is_last and last == "bias" and getattr(owner, "weight", None) is not None:
            return (
                f"`{owner_path}` has no bias. The task wants one: nn.Linear and nn.LayerNorm have it unless told "
                f"otherwise."
            )
        if value is None:
            break
    names = f" Yours are {_listed(extra)}." if extra else " Yours has none of its own." if not _has_any(module) else ""
    several = "parameters" if len(missing) > 1 else "parameter"
    attribute = first.partition(".")[0]
    return (
        f"Your {build.module} has no {several} {_listed(missing)}.{names} The names are part of the task, because "
        f"weights are loaded by them: in __init__, self.{attribute} = ... makes the first."
    )


def _has_any(module):
    return next(iter(module.parameters()), None) is not None


def _at(module, path):
    for name in path:
        module = module[int(name)] if name.isdigit() and hasattr(module, "__getitem__") else getattr(module, name, None)
        if module is None:
            return None
    return module


def _listed(names, most=6):
    names = list(names)
    return ", ".join(f"`{name}`" for name in names[:most]) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )
