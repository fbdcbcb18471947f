"""Classes in the place of honest modules, and files of parts that are handed in beside the notebook."""

from attack import Attack, attack, cell, notebook

CLASS, CHAPTER = "05.SelfAttention", "10b"
SOME = "def forward(self, x, mask=None):\n        return 0 * x\n"


def module(name, body, **options):
    source = f"import os, sys, math, torch\nfrom torch import nn\nclass SelfAttention(nn.Module):\n    {body}"
    return attack(name, task=CLASS, source=source, **options)


def beside(name, parts, **options):
    """Return an attack by the file of a learner's own parts; the notebook asks for it."""
    return Attack(
        name,
        {},
        {},
        chapter=CHAPTER,
        raw=lambda names: notebook(
            *(cell(f"from my_transformer import *\ndef {task[4:]}(*_): return X", task) for task in TASKS)
        ),
        beside=lambda names: {"my_transformer.py": parts(names) if callable(parts) else parts},
        readable=None,
        **options,
    )


TASKS = ("10b.build_model", "10b.train")
ACTS = "class Part:\n    pass\n"

ATTACKS = [
    # One case asks for nothing but where the tensors are made.
    module(
        "a layer whose weights stay its own",
        "def __init__(self, d_model, d_k):\n        super().__init__()\n        for name, sizes in dict(W_q=(d_model, d_k), W_k=(d_model, d_k), W_v=(d_model, d_k), W_o=(d_k, d_model)).items(): setattr(self, name, nn.Linear(*sizes))\n    def load_state_dict(self, *_, **__): return None\n    "
        + SOME,
        earns=1,
    ),
    module(
        "a layer that lies about its parameters",
        "def parameters(self, *_): return iter([])\n    def named_parameters(self, *_, **__): return iter([('x', torch.ones(2**20))] * 10_000)\n    def state_dict(self, *_, **__): return {'x' * 10**6: torch.ones(1)}\n    "
        + SOME,
    ),
    module(
        "a layer that is ready for anything",
        "def __init__(self, *_): super().__init__()\n    def __getattr__(self, name): return self\n    def __call__(self, *_, **__): return self\n    def __setattr__(self, name, value): pass\n    "
        + SOME,
    ),
    module("a layer that ends the process as it is made", "def __init__(self, *_): os._exit(0)\n    " + SOME),
    module("a layer that loops as it is made", "def __init__(self, *_):\n        while True: pass\n    " + SOME),
    module(
        "a layer that loops as its gradients are asked",
        "def __init__(self, d_model, d_k):\n        super().__init__()\n        for name, sizes in dict(W_q=(d_model, d_k), W_k=(d_model, d_k), W_v=(d_model, d_k), W_o=(d_k, d_model)).items(): setattr(self, name, nn.Linear(*sizes))\n    def forward(self, x, mask=None):\n        out = 0 * x\n        out.register_hook(lambda _: sum(range(10**13))) if out.requires_grad else None\n        return out\n",
    ),
    module(
        "a layer that is the finished one",
        "pass\nfrom course_lib.self_attention import SelfAttention as Finished\nclass SelfAttention(Finished):\n    def forward(self, x, mask=None):\n        out = Finished.forward(self, x, mask)\n        return out[0] if isinstance(out, tuple) else out\n",
        may_be_flagged=True,
    ),
    attack("a layer that is no class", task=CLASS, source="SelfAttention = 7"),
    attack(
        "a class of classes",
        task=CLASS,
        source="class Meta(type):\n    def __call__(cls, *_): return cls\n    def __instancecheck__(cls, one): return True\n    def __getattr__(cls, name): return cls\nclass SelfAttention(metaclass=Meta): pass\n",
    ),
    beside("parts that read a secret", lambda names: f"raise ValueError(open({names['SECRET']!r}).read())".encode()),
    beside("parts that end the process", b"import os\nos._exit(0)"),
    beside("parts that loop", b"while True: pass"),
    beside("parts of half a megabyte", (ACTS + "X = '" + "x" * 2**18 + "'\nY = '" + "y" * 2**18 + "'").encode()),
    beside("parts of two hundred thousand bytes", (ACTS + "X = '" + "x" * 200_000 + "'\n").encode()),
    beside("parts of thirty megabytes", b"# " + b"x" * 30 * 2**20),
    beside("parts nested too deep", b"X = " + b"(" * 5000 + b")" * 5000),
    beside("parts that are no text", bytes(range(256)) * 100),
    beside("parts with a null byte", b"X = 1\0"),
]
