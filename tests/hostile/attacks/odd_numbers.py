"""Results of numbers that arithmetic stumbles over, which the judge itself compares and diagnoses."""

from attack import COUNT, LAYER, attack

OUT = "out = query @ key.swapaxes(-2, -1)\n"


def odd(name, expression, **options):
    return attack(name, f"{OUT}with np.errstate(all='ignore'): return {expression}", **options)


ATTACKS = [
    odd("not a number, everywhere", "out * np.nan"),
    odd("infinite, everywhere", "out * 0 + np.inf"),
    odd("infinite and not a number by turns", "np.where(out > 0, np.inf, np.nan)"),
    odd("the largest number there is", "np.full(out.shape, np.finfo(out.dtype).max, out.dtype)"),
    odd("the smallest number there is", "np.full(out.shape, np.finfo(out.dtype).smallest_subnormal, out.dtype)"),
    odd("complex numbers", "out * 1j"),
    odd("complex and infinite", "out * complex(np.inf, np.nan)"),
    odd("integers at their bound", "np.full(out.shape, np.iinfo('int64').min)"),
    odd("unsigned integers", "np.full(out.shape, 2**64 - 1, 'uint64')"),
    odd("truths", "out > 0"),
    odd("half precision", "out.astype('float16') * 1e30"),
    odd("numbers in the other byte order", "out.astype('>f8')"),
    odd("long double", "out.astype('longdouble') * 1e-300"),
    odd("times", "out.astype('timedelta64[s]')"),
    odd("texts", "out.astype(str)"),
    odd("records", "np.zeros(out.shape, [('a', 'f8'), ('b', 'O')])"),
    odd("no numbers at all", "out[..., :0]"),
    odd("no axes at all", "out.sum()"),
    odd("sixty axes", "out.reshape((1,) * (60 - out.ndim) + out.shape)"),
    odd("an empty array of huge sizes", "np.empty((0, 2**31, 2**31))"),
    odd("a masked array", "np.ma.masked_array(out, out > 0)"),
    odd("a matrix", "np.matrix(out.reshape(out.shape[-2] * (out.size // out.shape[-2] // out.shape[-1]), -1))"),
    odd("a list of lists of lists", "[[[[out.tolist()]]]] * 50"),
    odd("a list that holds itself", "(lambda one: (one.append(one), one)[1])([])"),
    odd("strides below zero", "out[..., ::-1, ::-1]"),
    odd("strides of zero", "np.lib.stride_tricks.as_strided(out, out.shape, (0,) * out.ndim)"),
    odd("memory that is not its own", "np.lib.stride_tricks.as_strided(out, (2**20, 2**10), (4096, 4096))"),
    odd("another one each time", "np.random.default_rng().normal(size=out.shape) * 1e200"),
    attack("a whole number without bounds", "return 10 ** 400", task=COUNT, alone=True),
    attack("a whole number of a million digits", "return 10 ** 10**6", task=COUNT, alone=True),
    attack("a number that is not one", "return float('nan')", task=COUNT, alone=True),
    attack("a tensor of NaN with gradients", "import torch\nreturn (x * float('nan')).requires_grad_()", task=LAYER),
]
