"""Answers that are looked up, not computed: the reference, a solution, the finished function by another way.

Where the finished function is hidden inside the answer's own process, nobody can prove it: there the points may stay if
the instructor is told.
"""

from attack import COUNT, LAYER, SCALED, SOFTMAX, attack

UNGUARDED = """
import importlib, os, sys
sys.meta_path[:] = [one for one in sys.meta_path if "importlib" in getattr(one, "__module__", "") or "frozen" in str(one)]
sys.path.insert(0, REPOSITORY)
importlib.invalidate_caches()
for name in [name for name in sys.modules if name.startswith(("tasks", "workbook", "solutions", "course_lib"))]:
    del sys.modules[name]
"""


def looked_up(name, source, task=SCALED, above="", **options):
    """Return an attack whose cell has the answer from elsewhere; an exception leaves it without points."""
    return attack(name, task=task, source=source, above=above, **options)


def flagged(name, source, task=SOFTMAX, above="", **options):
    return attack(name, task=task, source=source, above=above, may_be_flagged=True, **options)


ATTACKS = [
    looked_up(
        "the reference, imported",
        "from tasks import CATALOGUE\nscaled_scores = CATALOGUE.task('02.scaled_scores').reference",
    ),
    looked_up(
        "the reference, once the guard is removed",
        UNGUARDED + "from tasks import CATALOGUE\nscaled_scores = CATALOGUE.task('02.scaled_scores').reference",
    ),
    looked_up(
        "the reference, by a loader of its own",
        """
        import importlib.util, sys
        def scaled_scores(query, key):
            sys.path.insert(0, REPOSITORY)
            spec = importlib.util.spec_from_file_location("mine", REPOSITORY + "/tasks/chapter_02/scaled_scores.py")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.scaled_scores(query, key)
        """,
    ),
    looked_up(
        "the reference, as compiled code",
        """
        import glob, marshal
        def scaled_scores(query, key):
            for path in glob.glob(REPOSITORY + "/tasks/chapter_02/__pycache__/scaled_scores*.pyc"):
                code = marshal.loads(open(path, "rb").read()[16:])
                names = {}
                exec(code, names)
                return names["scaled_scores"](query, key)
        """,
    ),
    looked_up(
        "a solution, read from disk",
        """
        import json
        def scaled_scores(query, key):
            cells = json.load(open(REPOSITORY + "/solutions/02_scaling.ipynb"))["cells"]
            names = {"math": __import__("math")}
            for cell in cells:
                if cell["metadata"].get("course", {}).get("answer") == "02.scaled_scores":
                    exec("".join(cell["source"]), names)
            return names["scaled_scores"](query, key)
        """,
    ),
    looked_up(
        "a solution, searched for everywhere",
        """
        import os, sys
        def scaled_scores(query, key):
            roots = {REPOSITORY, os.path.dirname(REPOSITORY), os.getcwd(), os.path.expanduser("~"), *sys.path}
            for root in roots:
                for folder, _, files in os.walk(root):
                    if "site-packages" in folder:
                        continue
                    for name in files:
                        if name in ("scaled_scores.py", "02_scaling.ipynb", "test_tasks.py"):
                            text = open(os.path.join(folder, name)).read()
                            won(text) if "scaled_scores" in text else None
            return query
        """,
    ),
    looked_up(
        "the answers' package, imported",
        "import solutions.my_transformer as mine\ndef scaled_scores(query, key):\n    won(mine)",
    ),
    looked_up("the workbook, asked", "import workbook\ndef scaled_scores(query, key):\n    won(workbook.check)"),
    looked_up(
        "what a frame above expects",
        """
        import sys
        import numpy as np
        def scaled_scores(query, key):
            shape, frame = (*query.shape[:-1], key.shape[-2]), sys._getframe()
            while frame is not None:
                for scope in (frame.f_locals, frame.f_globals):
                    for name, value in list(scope.items()):
                        values = value if isinstance(value, (list, tuple)) else [value]
                        for one in values:
                            if isinstance(one, np.ndarray) and one.shape == shape and one is not query and one is not key:
                                return one
                frame = frame.f_back
            return query @ key.swapaxes(-2, -1)
        """,
    ),
    looked_up(
        "what the collector knows",
        """
        import gc
        import numpy as np
        def scaled_scores(query, key):
            shape, seen = (*query.shape[:-1], key.shape[-2]), set()
            for one in gc.get_objects():
                for part in gc.get_referents(one):
                    if isinstance(part, np.ndarray) and part.shape == shape and part is not query and part is not key:
                        return part
                    if type(part).__name__ in ("Task", "Catalogue", "Case", "Reference"):
                        won(part)
            return query @ key.swapaxes(-2, -1)
        """,
    ),
    looked_up(
        "the memory around its inputs",
        """
        import ctypes
        import numpy as np
        def scaled_scores(query, key):
            around = ctypes.string_at(query.ctypes.data - 2**14, 2**15)  # before anything is computed
            product = query @ key.swapaxes(-2, -1)
            wanted = (product / np.sqrt(query.shape[-1])).astype("float64").ravel()[:2].tobytes()
            if wanted in around:
                won("expected values lie beside the inputs")
            return product
        """,
    ),
    looked_up("the part that is asked for, from the parts", "from my_transformer import self_attention", task=LAYER),
    looked_up(
        "the part that is asked for, where its stub stands",
        """
        import sys, gc
        def self_attention(x, W_q, W_k, W_v, W_o):
            for module in list(sys.modules.values()):
                found = getattr(module, "SelfAttention", None)
                if isinstance(found, type):
                    layer = found(x.shape[-1], W_q.shape[-1])
                    return layer(x)
            return 0 * x
        """,
        task=LAYER,
    ),
    # The finished function by other ways. -----------------------------------------------------------------------------
    flagged(
        "the finished function, called by its name",
        "import torch\ndef softmax(scores):\n    return torch.softmax(torch.from_numpy(scores), -1).numpy()",
    ),
    flagged(
        "the finished function, from the course",
        "from course_lib import softmax as finished\ndef softmax(scores):\n    return finished(scores)",
    ),
    flagged(
        "the finished function under another name",
        "import course_lib\nfinished = getattr(course_lib, 'xamtfos'[::-1])\ndef softmax(scores):\n    return finished(scores)",
    ),
    flagged(
        "the finished function behind the course's own door",
        "from course_lib.softmax import unchecked_softmax\ndef softmax(scores):\n    return unchecked_softmax(__import__('numpy'), scores)",
    ),
    flagged(
        "the finished function's formula",
        "from course_lib.softmax import softmax_formula\ndef softmax(scores):\n    return softmax_formula(__import__('numpy'), scores, -1)",
    ),
    flagged(
        "the finished function while nobody watches",
        """
        import sys
        import course_lib
        def softmax(scores):
            watcher = sys.getprofile()
            sys.setprofile(None)
            try:
                return course_lib.softmax(scores)
            finally:
                sys.setprofile(watcher)
        """,
    ),
    flagged(
        "the finished function in a thread",
        """
        import threading
        import course_lib
        def softmax(scores):
            found = []
            thread = threading.Thread(target=lambda: found.append(course_lib.softmax(scores)))
            thread.start()
            thread.join()
            return found[0]
        """,
    ),
    flagged(
        "the finished function as another function of the same code",
        """
        import types
        import course_lib
        real = course_lib.softmax
        mine = types.FunctionType(real.__code__.replace(co_name="mine"), real.__globals__, "mine", real.__defaults__)
        def softmax(scores):
            return mine(scores)
        """,
    ),
    flagged(
        "the finished function's source, run again",
        """
        import inspect, course_lib.softmax
        names = {"__name__": "mine"}
        exec(inspect.getsource(__import__("sys").modules["course_lib.softmax"]), names)
        def softmax(scores):
            return names["softmax"](scores)
        """,
    ),
    flagged(
        "the finished function's file, read and run",
        """
        def softmax(scores):
            names = {"__name__": "mine"}
            exec(open(REPOSITORY + "/course_lib/softmax.py").read(), names)
            return names["softmax_formula"](__import__("numpy"), scores, -1)
        """,
    ),
    flagged(
        "the course's library, loaded a second time",
        """
        import importlib.util, sys
        def softmax(scores):
            spec = importlib.util.find_spec("course_lib.softmax")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.softmax(scores)
        """,
    ),
    flagged(
        "the course's library, loaded anew",
        "import importlib, course_lib, sys\ndef softmax(scores):\n    return importlib.reload(sys.modules['course_lib.softmax']).softmax(scores)",
    ),
    flagged(
        "attention with values of the identity",
        "import numpy as np\nfrom course_lib import scaled_dot_product_attention as finished\ndef softmax(scores):\n    size = scores.shape[-1]\n    eye = np.eye(size, dtype=scores.dtype) * np.sqrt(np.array(size, scores.dtype))\n    out = finished(scores, np.broadcast_to(eye, (*scores.shape[:-2], size, size)), np.eye(size, dtype=scores.dtype) + 0 * eye)\n    return out[0] if isinstance(out, tuple) else out",
    ),
    flagged(
        "the operator below PyTorch's function",
        "import torch\ndef softmax(scores):\n    return torch.ops.aten._softmax.default(torch.from_numpy(scores), -1, False).numpy()",
    ),
    flagged(
        "PyTorch's table of functions",
        "import torch\ndef softmax(scores):\n    return torch._C._VariableFunctions.softmax(torch.from_numpy(scores), -1).numpy()",
    ),
    flagged(
        "PyTorch's module",
        "import torch\ndef softmax(scores):\n    return torch.nn.Softmax(-1)(torch.from_numpy(scores)).numpy()",
    ),
    flagged(
        "PyTorch's compiled script",
        "import torch\n@torch.jit.script\ndef mine(x):\n    return torch.softmax(x, -1)\ndef softmax(scores):\n    return mine(torch.from_numpy(scores)).numpy()",
    ),
    flagged(
        "PyTorch's operator by its schema",
        "import torch\ndef softmax(scores):\n    return torch._C._jit_get_operation('aten::softmax')[0](torch.from_numpy(scores), -1, None).numpy()",
    ),
    flagged(
        "PyTorch's function inside another",
        "import torch\ndef softmax(scores):\n    x = torch.from_numpy(scores)\n    return torch.special.softmax(x, -1).numpy()",
    ),
    flagged(
        "PyTorch's function, vectorized",
        "import torch\ndef softmax(scores):\n    x = torch.from_numpy(scores)\n    return torch.func.vmap(lambda row: torch.softmax(row, -1))(x.reshape(-1, x.shape[-1])).reshape(x.shape).numpy()",
    ),
    flagged(
        "the finished function inside an object that PyTorch calls",
        "import torch\nclass A:\n    @classmethod\n    def __torch_function__(cls, function, types, args=(), kwargs=None):\n        return torch.softmax(args[0].x, -1)\n    def __init__(self, x): self.x = x\ndef softmax(scores):\n    return torch.abs(A(torch.from_numpy(scores))).numpy()",
    ),
    flagged(
        "the finished layer, with weights copied in",
        """
        import math, torch
        def self_attention(x, W_q, W_k, W_v, W_o):
            watched = __import__("sys").getprofile()
            __import__("sys").setprofile(None)
            out = torch.nn.functional.scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v) @ W_o
            __import__("sys").setprofile(watched)
            return out
        """,
        task=LAYER,
    ),
    flagged(
        "the list of what was called, emptied",
        """
        import gc, sys
        import course_lib
        def softmax(scores):
            out = course_lib.softmax(scores)
            frame = sys._getframe()
            while frame is not None:
                for value in list(frame.f_locals.values()):
                    if isinstance(value, set):
                        value.clear()
                frame = frame.f_back
            for one in gc.get_objects():
                if isinstance(one, set) and any(isinstance(name, str) and name.startswith("course_lib") for name in one):
                    one.clear()
            return out
        """,
    ),
    flagged(
        "the reply's list of what was called, replaced",
        """
        import sys
        import course_lib
        for module in list(sys.modules.values()):
            real = getattr(module, "Reply", None)
            if isinstance(real, type):
                begin = real.__init__
                def changed(self, *given, begin=begin, **named):
                    begin(self, *given, **{**named, "called": ()})
                real.__init__ = changed
        def softmax(scores):
            return course_lib.softmax(scores)
        """,
    ),
    flagged(
        "the finished count, of a finished layer",
        "from course_lib.self_attention import SelfAttention as Finished\nimport sys\ndef count_parameters(d_model, d_k, bias):\n    watched = sys.getprofile()\n    sys.setprofile(None)\n    layer = Finished(d_model, d_k, bias=bias)\n    sys.setprofile(watched)\n    return sum(p.numel() for p in layer.parameters())",
        task=COUNT,
        alone=True,
    ),
]
