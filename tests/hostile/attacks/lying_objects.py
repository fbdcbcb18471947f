"""Results that are not what they say: objects that act when they are looked at, compared, printed, or thrown away."""

from attack import LAYER, SOFTMAX, attack

ACT = "\n    ".join(
    [
        "def act(self, *_, **__):",
        "    try:",
        "        written(MARKER)",
        "    except OSError:",
        "        pass",
        "    won('it was asked in the judge')",
    ]
)
HOOKS = (
    "__eq__",
    "__str__",
    "__repr__",
    "__len__",
    "__iter__",
    "__bool__",
    "__float__",
    "__array__",
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__format__",
    "__hash__",
    "__index__",
    "__buffer__",
    "__del__",
    "__setstate__",
    "__dlpack__",
)

ATTACKS = [
    attack(
        "an array that is equal to everything",
        "class Equal(np.ndarray):\n    def __eq__(self, other): return True\n    __ne__ = __lt__ = __gt__ = lambda self, other: False\n    def __sub__(self, other): return 0 * self\n    __rsub__ = __sub__\n    def all(self, *_, **__): return True\nreturn (query @ key.swapaxes(-2, -1)).view(Equal)",
    ),
    attack(
        "an array that lies about its shape",
        "class Lie(np.ndarray):\n    shape = property(lambda self: (1, 1))\n    ndim = property(lambda self: 2)\n    nbytes = property(lambda self: 8)\nreturn np.ones((500, 500)).view(Lie)",
    ),
    attack(
        "an array that lies about its bytes",
        "class Lie(np.ndarray):\n    nbytes = property(lambda self: 8)\n    size = property(lambda self: 1)\n    def tobytes(self, *_): return bytes(2**28)\nreturn np.ones((2, 2)).view(Lie)",
    ),
    attack(
        "an array that lies about its dtype",
        "class Lie(np.ndarray):\n    @property\n    def dtype(self):\n        class D:\n            name = 'float64'; kind = 'f'; itemsize = 10**9\n            newbyteorder = lambda *_: self\n        return D()\nreturn (query @ key.swapaxes(-2, -1)).view(Lie)",
    ),
    attack(
        "an array whose functions are its own",
        "class Own(np.ndarray):\n    def __array_function__(self, *_): return True\n    def __array_ufunc__(self, *_, **__): return True\n    def __array_finalize__(self, other): pass\n    def __array_wrap__(self, *_): return True\nreturn (query @ key.swapaxes(-2, -1)).view(Own)",
    ),
    attack(
        "an object that says it is an array",
        "class Says:\n    __class__ = np.ndarray\n    shape = (2, 2)\n    dtype = np.dtype('float64')\n    nbytes = 32\nreturn Says()",
    ),
    attack(
        "an object that becomes an array when asked",
        "class Becomes:\n    __class__ = property(lambda self: np.ndarray)\n    def __array__(self, *_, **__): return np.ones(2**28)\nreturn Becomes()",
    ),
    attack(
        "an object that loops when its class is asked",
        "class Loops:\n    @property\n    def __class__(self):\n        while True: pass\nreturn Loops()",
    ),
    attack(
        "an object that ends the process when its class is asked",
        "class Ends:\n    @property\n    def __class__(self): os._exit(0)\nreturn Ends()",
    ),
    attack(
        "an object that acts, however it is asked",
        "class Acts:\n    "
        + ACT
        + "\nfor hook in "
        + repr(HOOKS[:-3] + HOOKS[-2:])
        + ": setattr(Acts, hook, Acts.act)\nKEPT.append(Acts())\nreturn KEPT[-1]",
        above="KEPT = []",
    ),
    attack(
        "an object that acts when it goes",
        "class Acts:\n    def __del__(self):\n        written(MARKER)\nsys.kept = Acts()\nreturn Acts()",
    ),
    attack(
        "an object to be unpickled",
        "class P:\n    def __reduce__(self): return (written, (MARKER,))\nreturn np.array([P(), P()], dtype=object)",
    ),
    attack(
        "an array of objects that become numbers",
        "class N:\n    def __float__(self): return 1e300\n    __array__ = None\n    def __mul__(self, other): return self\nreturn np.full(query.shape, N(), dtype=object)",
    ),
    attack(
        "a class with a name that acts",
        "class Meta(type):\n    @property\n    def __name__(cls): written(MARKER); return 'x' * 10**7\n    def __instancecheck__(cls, one): return True\nclass A(metaclass=Meta): pass\nreturn A()",
    ),
    attack("a class with a name of ten million letters", "return type('x' * 10**7, (), {})()"),
    attack(
        "an exception whose text loops",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    ),
    attack(
        "an exception whose text ends the process", "class E(Exception):\n    def __str__(self): os._exit(0)\nraise E"
    ),
    attack(
        "an exception whose text is none",
        "class E(Exception):\n    def __str__(self): return 7\n    __repr__ = __str__\nraise E",
    ),
    attack(
        "an exception whose text raises what nobody catches",
        "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise E",
    ),
    attack(
        "an exception with a name that is none",
        "class Meta(type):\n    __name__ = property(lambda cls: 7)\nclass E(Exception, metaclass=Meta): pass\nraise E",
    ),
    attack(
        "an exception that is its own cause",
        "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\na.__context__ = a\nraise a",
    ),
    attack(
        "a hundred thousand exceptions, one in the other",
        "one = ValueError('x')\nfor _ in range(100_000):\n    other = ValueError('x')\n    other.__cause__ = one\n    one = other\nraise one",
    ),
    attack(
        "a group of groups of exceptions",
        "one = ValueError('x')\nfor _ in range(5000): one = ExceptionGroup('g', [one])\nraise one",
    ),
    attack(
        "an exception from a line that is nowhere",
        "exec(compile('\\n' * 10**6 + 'raise ValueError(1)', 'x' * 10**6, 'exec'))",
    ),
    attack("an exception with ten thousand notes", "e = ValueError('x')\ne.__notes__ = ['n' * 1000] * 10_000\nraise e"),
    attack(
        "a frame with names that act",
        "class L:\n    def __repr__(self): written(MARKER); won()\n    shape = property(lambda self: won())\n    dtype = shape\na = L()\nreturn a @ query",
    ),
    attack(
        "a number that is more than it says",
        "class I(int):\n    def __index__(self): return 10**9\n    def __array__(self, *_, **__): return np.ones(2**20)\nreturn I(3)",
    ),
    attack("a scalar with a shape", "class F(np.float64):\n    shape = (2**40, 2**40)\nreturn F(3)"),
    attack(
        "a memory that changes under the reader",
        "import threading\nout = query @ key.swapaxes(-2, -1)\ndef change():\n    while True: out[...] = np.nan\nthreading.Thread(target=change, daemon=True).start()\nreturn out",
        seconds=10,
    ),
    attack(
        "a tensor whose functions are its own",
        "import torch\nclass T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, function, types, args=(), kwargs=None):\n        return True\nreturn x.as_subclass(T)",
        task=LAYER,
    ),
    attack(
        "a tensor that lies about its dtype",
        "import torch\nclass T(torch.Tensor):\n    dtype = 'bfloat16'\n    shape = (1,)\n    def numpy(self, *_, **__): return np.ones(2**20)\nreturn x.as_subclass(T)",
        task=LAYER,
    ),
    attack("a tensor on no device", "import torch\nreturn x.to('meta')", task=LAYER),
    attack("a tensor of another form", "import torch\nreturn x.to_sparse()", task=LAYER),
    attack("a tensor that is expanded", "import torch\nreturn torch.ones(1).expand(2**40)", task=LAYER),
    attack(
        "a tensor that says it is coarser than it is",
        "import torch\nout = (x @ W_q) @ (x @ W_k).mT\nreturn out.to(torch.bfloat16)",
        task=LAYER,
    ),
    attack("a generator", "yield query"),
    attack("a coroutine", source="async def scaled_scores(query, key):\n    return query"),
    attack(
        "a class in the place of the function",
        source="class scaled_scores:\n    def __new__(cls, query, key):\n        return won\n",
    ),
    attack(
        "a callable that acts as it is looked at",
        source="class F:\n    def __call__(self, query, key): return query\n    def __getattr__(self, name): written(MARKER); won()\nscaled_scores = F()\n",
    ),
    attack("a function whose signature is a lie", "return scaled", above="scaled = 1\n", task=SOFTMAX),
]
