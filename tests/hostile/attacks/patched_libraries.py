"""Libraries changed in the answer's process, so that whoever compares finds everything equal."""

from attack import LAYER, SOFTMAX, attack

ATTACKS = [
    attack(
        "NumPy's comparisons say yes",
        "yes = lambda *_, **__: True\nnp.allclose = np.isclose = np.array_equal = np.array_equiv = np.all = yes\nnp.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None",
    ),
    attack(
        "PyTorch's comparisons say yes",
        "import torch\ntorch.allclose = torch.equal = torch.isclose = torch.testing.assert_close = lambda *_, **__: True\ntorch.Tensor.__eq__ = lambda *_: True",
        task=LAYER,
    ),
    attack(
        "Python's own comparisons say yes",
        "import builtins, math, operator\nbuiltins.all = builtins.any = builtins.isinstance = math.isclose = operator.eq = lambda *_: True",
    ),
    attack(
        "differences that are nothing",
        "np.abs = np.subtract = lambda *_, **__: np.zeros(1)\nnp.isfinite = np.isnan = lambda x: np.zeros(np.shape(x), bool)",
    ),
    attack(
        "JSON that says right",
        "import json\nreal = json.dumps\njson.dumps = lambda *given, **named: real({'status': 'returned', 'points': 5, 'outcome': 'right'})\njson.loads = lambda *_, **__: [{}, []]",
    ),
    attack(
        "the judge's modules exchanged",
        "import types\nfor name in list(sys.modules):\n    if name.startswith(('grader', 'jail')):\n        sys.modules[name] = types.ModuleType(name)",
    ),
    attack(
        "the judge's functions exchanged",
        "for name, module in list(sys.modules.items()):\n    if name.startswith(('grader', 'jail')):\n        for each, value in list(vars(module).items()):\n            if callable(value) and not isinstance(value, type):\n                setattr(module, each, lambda *_, **__: None)",
    ),
    attack(
        "the judge's code exchanged",
        "for name, module in list(sys.modules.items()):\n    if name.startswith(('grader', 'jail')):\n        for value in list(vars(module).values()):\n            if hasattr(value, '__code__'):\n                try: value.__code__ = (lambda *_, **__: None).__code__\n                except ValueError: pass",
    ),
    attack(
        "tolerances raised",
        "for name, module in list(sys.modules.items()):\n    for each in ('TOLERANCES', 'tolerance', 'DTYPES'):\n        found = getattr(module, each, None)\n        if isinstance(found, dict):\n            for key_of in found: found[key_of] = 1e9\nimport gc\nfor one in gc.get_objects():\n    if isinstance(one, dict) and 'bfloat16' in one and 'float64' in one:\n        one.update({name: 1e9 for name in one})",
    ),
    attack(
        "the clock stopped",
        "import time, resource, psutil\ntime.process_time = time.monotonic = time.perf_counter = lambda: 0.0\nresource.getrusage = lambda *_: None\nwhile True: pass",
    ),
    attack(
        "the import guard removed",
        "sys.meta_path.clear()\nsys.path.insert(0, REPOSITORY)\nimport importlib.machinery\nsys.meta_path.append(importlib.machinery.PathFinder)\nimport grader.compare, tasks\nwon(tasks.CATALOGUE)",
    ),
    attack(
        "a profiler of its own",
        "sys.setprofile(lambda *_: (_ for _ in ()).throw(SystemExit))\nsys.settrace(lambda *_: None)",
    ),
    attack(
        "print and repr of everybody",
        "import builtins\nbuiltins.repr = builtins.str = builtins.print = lambda *_, **__: won()",
        task=SOFTMAX,
    ),
    attack(
        "finished functions exchanged for its own",
        "import course_lib\ncourse_lib.softmax = np.exp\ncourse_lib.__dict__['dot_product_scores'] = lambda q, k: q\nreturn 2 * course_lib.softmax(scores)",
        task=SOFTMAX,
    ),
]
