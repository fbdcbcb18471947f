"""Answers that are modules, or are handed one: builds it, loads its weights, and asks for its output, its gradients, or
what else a case asks.

What a module is built with, what it is called with and its parameters are the inputs of a case, all by name, so that
weights cross to the child as any array does.
"""

import contextlib
import inspect
import itertools
from dataclasses import dataclass

from grader.contract import BrokenError, hold_to_the_contract
from grader.elsewhere import shape_elsewhere, shape_of


@dataclass(frozen=True)
class Build:
    """How the inputs of a case become a call.

    Attributes:
        takes: the names of the inputs of the call, in order.
        arguments: the names of the inputs that the module is built with, in order. All inputs that are neither are its
            parameters, by the names that PyTorch gives them: their names and shapes are the contract.
        module: the name of its class; "" if there is no module: a function whose gradients are asked for.
        given: whether the answer is a function that is handed the module first; if not, the answer is the class.
        factory: whether the answer is a function that makes the module, in the place of the class.
        name: by which functions ask for the module.
        optimizer: the name of the input that is the learning rate of an optimizer, which is handed out right after the
            module: `torch.optim.SGD` of its parameters, where gradients of an earlier step are left. "" if there is
            none.
    """

    takes: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    module: str = ""
    given: bool = False
    factory: bool = False
    name: str = "module"
    optimizer: str = ""

    def parameters(self, inputs):
        """Return those of the inputs that are parameters, by name."""
        others = {*self.takes, *self.arguments, self.optimizer, "asks", "budget"}
        return {name: value for name, value in inputs.items() if name not in others}


_draws = itertools.count()


def run(answer, inputs, build, module_class=None, *, reuse=False):
    """Return what is asked of an answer on one case, as a tensor, or whatever the answer returned in its place.

    Args:
        answer: the learner's class or function. The judge's own functions take by name what they need: the module by
            the name of the build, what it is built with, and what it takes.
        inputs: by name, tensors in the place of arrays; "asks" says what is asked (see `Case.asks`), "output" if it is
            not there.
        build: the `Build`.
        module_class: the class of the module if the answer is not it.
        reuse: whether a module of that class may serve again: the judge's own functions leave it as it is.

    Raises:
        BrokenError: the answer is no such module, or a part of what was asked cannot be had.
    """
    moved = inputs.get("asks") == "device" and not is_judges(answer, build)
    if not reuse or not build.module or _makes_the_module(answer, build) or moved:
        module = _module(answer, inputs, build, module_class) if build.module else None
        return _asked(answer, inputs, build, module)
    with _shared(module_class, inputs, build) as module:
        return _asked(answer, inputs, build, module)


def is_judges(answer, build):
    """Tell whether an answer can only be a function of the judge's own: then nobody asks where it makes its tensors."""
    if getattr(answer, "names", None) is not None:
        return True
    return bool(build.module) and not build.given and not _makes_the_module(answer, build)


def _asked(answer, inputs, build, module):
    """Return what is asked of an answer with this module, whose weights are loaded."""
    asks = inputs.get("asks", "output")
    given = {name: inputs[name] for name in build.takes}
    if module is not None:
        module.train(asks == "training")
    called = _call_of(answer, inputs, build, module)
    match asks:
        case "gradients":
            return _gradients(called, given, _parameters(module, inputs, build))
        case "device":
            if is_judges(answer, build):
                return shape_of(called(given))
            return shape_elsewhere(called, given, module)
        case "weights":
            if called(given) is ...:
                return ...
            return _flat([parameter.detach() for parameter in _parameters(module, inputs, build)])
        case "operations":
            return _within(called, given, inputs["budget"])
    return called(given)


def segments(build, inputs):
    """Return (name, shape) of every gradient in the row of numbers that `run` gives for "gradients", in order."""
    parameters = list(build.parameters(inputs))
    floats = [name for name in build.takes if getattr(inputs[name], "dtype", None) is not None]
    floats = [name for name in floats if inputs[name].dtype.kind == "f"]
    return [(name, inputs[name].shape) for name in (*parameters, *floats)]


def prepared(inputs, build, module_class):
    """Return (values, finish) for the judge's own stages: what they may ask for by name, and what is asked of the value
    of the last one."""
    import torch

    asks = inputs.get("asks", "output")
    module = _loaded(_built(module_class, inputs, build), inputs, build) if build.module else None
    given = {name: inputs[name] for name in build.takes}
    wanted = []
    if asks == "gradients":
        given = {name: _with_gradient(value) for name, value in given.items()}
        wanted = [*_parameters(module, inputs, build), *filter(_has_gradient, given.values())]
    if module is not None:
        module.train(asks == "training")

    def finish(output):
        if asks == "gradients":
            return _gradients_of(output, wanted, keep=True)
        if asks == "device":
            return torch.tensor(output.shape)
        return torch.tensor(True) if asks == "operations" else output

    values = {name: inputs[name] for name in build.arguments}
    return {**values, **given, **({build.name: module} if module is not None else {})}, finish


def _makes_the_module(answer, build):
    """Tell whether the answer makes the module, as its class or in the place of it; the judge's own functions do not:
    they take it by name."""
    if build.given or getattr(answer, "names", None) is not None:
        return False
    return isinstance(answer, type) or (build.factory and build.name not in inspect.signature(answer).parameters)


def _module(answer, inputs, build, module_class):
    """Return the module with the weights of the case: the answer's, held to the contract, or one that is handed out."""
    import torch

    is_answer = _makes_the_module(answer, build)
    if not is_answer and module_class is None:
        raise BrokenError(f"{build.module} is to be a class, `class {build.module}(nn.Module):`, and this is none.")
    with torch.random.fork_rng(devices=[]):  # what a module draws at random to begin with is overwritten
        torch.default_generator.manual_seed(next(_draws))  # never the same twice, so that what is not overwritten shows
        if is_answer:
            if isinstance(answer, type) and not issubclass(answer, torch.nn.Module):
                raise BrokenError(
                    f"{build.module} is no PyTorch module: `class {build.module}(nn.Module):` makes it one, so that "
                    f"PyTorch finds its parameters."
                )
            module = _built(answer, inputs, build)
            if not isinstance(module, torch.nn.Module):
                if module is ...:
                    raise NotImplementedError
                raise BrokenError(f"Your function returned a {type(module).__name__}; expected a {build.module}.")
            try:
                hold_to_the_contract(module, inputs, build)
            except BrokenError:
                if _is_untouched(module, inputs, build):
                    raise NotImplementedError from None
                raise
        else:
            module = _built(module_class, inputs, build)
            hold_to_the_contract(module, inputs, build)  # it may be of a learner's own file
    return _loaded(module, inputs, build)


def _is_untouched(module, inputs, build):
    """Tell whether a module's call still returns `...`."""
    with contextlib.suppress(Exception):
        return module(*(inputs[name] for name in build.takes)) is ...
    return False


@contextlib.contextmanager
def _shared(cls, inputs, build):
    """Lend a module with the weights of the case; it serves again unless somebody has put other parts into it."""
    key = (cls, *(inputs[name] for name in build.arguments))
    module, parts = _lent.pop(key, (None, None))
    if module is None:
        module = _built(cls, inputs, build)
        parts = _parts_in(module)
    yield _loaded(module, inputs, build)
    if _parts_in(module) == parts:
        for parameter in module.parameters():
            parameter.grad = None
        _lent[key] = module, parts


_lent = {}


def _parts_in(module):
    """Return what tells whether a module is still as it was built: its parts, its parameters, its plain attributes."""
    parts = list(module.modules())
    hooks = sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts)
    plain = [
        (name, value)
        for part in parts
        for name, value in vars(part).items()
        if isinstance(value, int | float | str | type(None)) and name != "training"
    ]
    functions = [name for part in parts for name, value in vars(part).items() if inspect.isroutine(value)]
    return [*map(id, parts), *map(id, module.parameters()), hooks, plain, functions]


def with_weights(cls, inputs, build):
    """Return a module of a class with the parameters of a case, to look at."""
    return _loaded(_built(cls, inputs, build), inputs, build)


def _built(cls, inputs, build):
    import torch

    with torch.random.fork_rng(devices=[]):  # what it draws to begin with is nobody else's random numbers
        return cls(*(inputs[name] for name in build.arguments))


def _loaded(module, inputs, build):
    """Return the module with the parameters of the case, in their dtype, in evaluation mode."""
    import torch

    weights = build.parameters(inputs)
    floats = [value for value in (*weights.values(), *(inputs[name] for name in build.takes)) if _is_float(value)]
    if floats:
        module.to(floats[0].dtype)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights[name])
    return module.eval()


def _parameters(module, inputs, build):
    """Return the module's parameters in the order of the inputs; it may have made them in any other."""
    named = {} if module is None else dict(module.named_parameters())
    return [named[name] for name in build.parameters(inputs)] if named else []


def _call_of(answer, inputs, build, module):
    """Return the function of what is taken, by name, that calls the answer."""
    if build.module and _makes_the_module(answer, build):
        return lambda given: module(*given.values())
    own = {build.name: module} if build.module else {}
    known = {**own, **{name: inputs[name] for name in build.arguments}}
    if getattr(answer, "names", None) is not None:  # the judge's own, of stages
        return lambda given: answer(*({**known, **given}[name] for name in answer.names))
    if build.module and not build.given:
        names = [name for name in inspect.signature(answer).parameters if name in {*known, *build.takes}]
        return lambda given: answer(*({**known, **given}[name] for name in names))
    if build.optimizer:
        return lambda given: _with_optimizer(answer, module, inputs[build.optimizer], given)
    if build.module:
        return lambda given: answer(module, *given.values())
    return lambda given: answer(*given.values())


def optimizer_of(module, rate):
    """Return an optimizer of a module's parameters, as an earlier step leaves it: with gradients of that step."""
    import torch

    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    return torch.optim.SGD(module.parameters(), lr=rate)


def _with_optimizer(answer, module, rate, given):
    """Return what the answer returns that is handed an optimizer.

    Raises:
        BrokenError: it has not let the optimizer take its step.
    """
    import torch

    steps, optimizer = [], optimizer_of(module, rate)
    optimizer.register_step_pre_hook(lambda *_: steps.append(1))
    result = answer(module, optimizer, *given.values())
    if isinstance(result, torch.Tensor) and result.ndim == 0 and not steps:
        raise BrokenError(
            "The optimizer that you were handed has taken no step. It is optimizer.step() that moves the parameters: "
            "each optimizer does it in its own way, and your function should work with any."
        )
    return result


# Gradients ------------------------------------------------------------------------------------------------------------


def _gradients(called, given, parameters):
    given = {name: _with_gradient(value) for name, value in given.items()}
    output = called(given)
    return _gradients_of(output, [*parameters, *filter(_has_gradient, given.values())])


def _gradients_of(output, wanted, *, keep=False):
    """Return the gradients of a weighted sum of the output, one behind the other; 0 where it does not depend."""
    import torch

    if not isinstance(output, torch.Tensor) or not output.is_floating_point():
        return output
    if not output.requires_grad:
        raise BrokenError(
            "No gradient gets from your output back to what it is made of, so nothing could be learned. On the way "
            "something cuts the thread: .detach(), .data, .item(), .tolist(), NumPy, torch.no_grad(), or a new tensor "
            "made of numbers."
        )
    weights = torch.arange(1, output.numel() + 1, dtype=output.dtype).sin().reshape(output.shape)
    found = torch.autograd.grad((output * weights).sum(), wanted, allow_unused=True, retain_graph=keep or None)
    return _flat([torch.zeros_like(one) if grad is None else grad for one, grad in zip(wanted, found, strict=True)])


def _with_gradient(value):
    return value.detach().clone().requires_grad_() if _is_float(value) else value


def _has_gradient(value):
    return bool(getattr(value, "requires_grad", False))


def _is_float(value):
    is_floating = getattr(value, "is_floating_point", None)
    return is_floating is not None and is_floating()


def _flat(tensors):
    import torch

    return torch.cat([tensor.reshape(-1) for tensor in tensors]) if tensors else torch.zeros(0)


# Cost -----------------------------------------------------------------------------------------------------------------


def _within(called, given, budget):
    """Return whether the call takes no more than the budget: floating-point operations of matrix products."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = called(given)
    return torch.tensor(counter.get_total_flops() <= budget) if isinstance(output, torch.Tensor) else output
