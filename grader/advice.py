"""What to say of an exception: the failing line with the shapes in it, and what it means where that is certain.

Each rule looks at the exception and the arrays of the line, and speaks only of what it finds there.
"""

import ast
import math
import re

from grader.sentences import sentence


def told(reply, build=None):
    """Return what to say of an answer that raised: a few sentences.

    Args:
        reply: the `Reply`.
        build: the task's `Build`; None where the answer is a function of the inputs.
    """
    answer = "class" if build is not None and build.module and not build.given else "function"
    where = f"Your {answer} stopped at `{reply.line}`" if reply.line else f"Your {answer} stopped"
    shapes = "; ".join(map(str, reply.operands))
    advice = None if build is None else called_otherwise(reply, build)
    advice = advice or next((said for rule in RULES if (said := rule(reply)) is not None), None)
    library = None if advice else f"{reply.error}: {reply.message or 'no further message'}"
    return " ".join(sentence(part) for part in (f"{where}: {shapes}" if shapes else where, advice or library))


def all_axes_reversed(reply):
    """`.T` on more than two axes turns all of them around."""
    for one in reply.operands:
        if one.text.endswith(".T") and len(one.shape) > 2:
            name = one.text.removesuffix(".T")
            swap = f"{name}.mT" if one.library == "torch" else f"{name}.swapaxes(-2, -1)"
            return (
                f"`.T` turns all {len(one.shape)} axes around, the leading ones too; `{swap}` swaps the last two alone"
            )
    return None


def numpy_transposes_all_axes(reply):
    """NumPy's transpose takes the order of all axes; PyTorch's takes two to swap."""
    numpy = any(one.library == "numpy" for one in reply.operands)
    if numpy and "transpose(" in reply.line and "axes don't match" in reply.message:
        return "NumPy's transpose wants the order of all axes. Two of them, i and j, change places with .swapaxes(i, j)"
    return None


def truth_of_many(reply):
    """`if`, `and`, `or` and `not` ask for one True or False."""
    if "ambiguous" in reply.message and ("truth value" in reply.message or "Boolean value" in reply.message):
        return (
            "One True or False is asked there of an array that holds several. `if`, `while`, `and`, `or`, `not`, min() "
            "and max() do that, in a function that is called as well. Element by element it is &, |, ~, or np.where "
            "and torch.where"
        )
    return None


def no_such_axis(reply):
    """An axis that the array does not have."""
    found = re.search(r"axis (-?\d+) is out of bounds for array of dimension (\d+)", reply.message)
    if found is None:
        torch = re.search(r"expected to be in range of \[(-\d+), \d+\], but got (-?\d+)", reply.message)
        if torch is None:
            return None
        axis, axes = int(torch[2]), -int(torch[1])
    else:
        axis, axes = int(found[1]), int(found[2])
    if axes == 0:
        return f"It asks for axis {axis} of a single number, which has no axes"
    if axes == 1:
        return f"It asks for axis {axis} of an array with one axis; only 0 and -1 name it"
    return (
        f"It asks for axis {axis} of an array with {axes} axes: they count from 0 to {axes - 1}, or from -1 back to "
        f"-{axes}"
    )


def product_does_not_fit(reply):
    """A matrix product needs the last axis of the left to be as long as the last but one of the right."""
    sides = _sides(reply, ast.MatMult)
    if sides is None or min(len(side.shape) for side in sides) < 2:
        return None
    left, right = (side.shape for side in sides)
    if left[-1] != right[-2]:
        return (
            f"A matrix product wants the last axis of the left, here {left[-1]}, as long as the last but one of "
            f"the right, here {right[-2]}"
        )
    if _clash(left[:-2], right[:-2]):
        return f"The leading axes do not fit: {left[:-2]} on the left, {right[:-2]} on the right"
    return None


def new_axes_from_the_front(reply):
    """A new axis is counted from the front, and stands in the wrong place where there is a batch."""
    indices = re.findall(r"\[((?:\s*(?::|None|np\.newaxis)\s*,?)+)\]", reply.line)
    counted = [index for index in indices if re.search("None|newaxis", index)]
    sides = _sides(reply, ast.operator, ast.cmpop)
    if sides is not None:
        left, right = (side.shape for side in sides)
    elif found := re.search(r"broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)", reply.message):
        left, right = ([int(size) for size in shape.split(",") if size] for shape in found.groups())
    else:
        return None
    most = max((len(index.strip(" ,").split(",")) for index in counted), default=0)
    if not counted or len(left) != len(right) or len(left) <= most or _clash(left, right) is None:
        return None
    return (
        f"Shapes {tuple(left)} and {tuple(right)} meet there element by element, and do not fit. The new axes are "
        f"counted from the front, as in `[{counted[0].strip()}]`, and there stands the batch. An index that begins "
        f"with `...`, which is all the axes in front, counts them from the last axis"
    )


def shapes_do_not_broadcast(reply):
    """Two arrays meet element by element, and their axes, counted from the end, do not fit."""
    sides = _sides(reply, ast.operator, ast.cmpop)
    if sides is None or not re.search(r"broadcast|must match the size of tensor", reply.message):
        return None
    left, right = (side.shape for side in sides)
    if (axis := _clash(left, right)) is None:
        return None
    said = (
        f"Element by element, axes are lined up from the last one back, and must be equally long, or 1; axis -{axis} "
        f"has {left[-axis]} here and {right[-axis]} there"
    )
    if axis == 2 and left[-1] == right[-1] == 1:
        return f"{said}. Both are columns: if one of them is a row, each number of one meets each of the other"
    return said


def product_of_results(reply):
    """A matrix product of what the line computes on the way: its sizes stand in the library's text alone."""
    if found := re.search(r"matmul: .*\(size (\d+) is different from (\d+)\)", reply.message):
        right, left = found.groups()
    elif found := re.search(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", reply.message):
        left, right = found.groups()
        if "linear(" in reply.line:
            return f"linear multiplies by the transposed weight, and so {left} meets {right} where they should be equal"
    else:
        return None
    return (
        f"A matrix product wants the last axis of the left, here {left}, as long as the last but one of the right, "
        f"here {right}"
    )


def results_do_not_broadcast(reply):
    """Two results that the line computes on the way do not fit each other element by element."""
    if found := re.search(r"could not be broadcast together with shapes (\([\d,]*\)) (\([\d,]*\))", reply.message):
        left, right = map(_spaced, found.groups())
        return f"Two arrays of shapes {left} and {right} meet there element by element, and these do not fit"
    if found := re.search(r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\)[^\d]*(\d+)", reply.message):
        node, (left, right, axis) = _expression(reply.line), found.groups()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return f"The leading axes of the two sides of the product do not fit: {left} meets {right}"
        return f"Two tensors meet there that do not fit each other: on axis {axis}, {left} meets {right}"
    return None


def product_with_one_number(reply):
    """A matrix product has a single number on one side."""
    if "does not have enough dimensions (has 0" in reply.message or "arguments to matmul need to be at least 1D" in (
        reply.message
    ):
        return "A matrix product wants arrays with axes on both sides, and one of them is a single number here"
    return None


def letters_of_einsum(reply):
    """The letters of einsum and the axes of its arrays do not fit."""
    if found := re.search(r"contains too many subscripts for operand (\d+)", reply.message):
        return f"einsum has more letters for array {found[1]}, counted from 0, than that has axes; `...` stands for any"
    if "operand has more dimensions than subscripts given in einstein sum" in reply.message:
        return "An array has more axes than einsum has letters for; `...` stands for all that are left"
    if "with remapped shapes [original->remapped]" in reply.message:
        return "One letter of einsum stands for axes of different sizes, or the axes under `...` do not fit"
    return None


def places_of_a_mask(reply):
    """As many numbers are put into the places of a mask as it has True."""
    found = re.search(r"cannot assign (\d+) input values to the (\d+) output values where the mask", reply.message)
    if found is None:
        return None
    return (
        f"The mask is True at {found[2]} places, and {found[1]} numbers are to go there: those of the same places, "
        f"taken by the same mask, are as many"
    )


def reshape_does_not_fit(reply):
    """A shape that holds more numbers than there are, or fewer."""
    if found := re.search(r"cannot reshape array of size (\d+) into shape \(([^)]*)\)", reply.message):
        count, sizes = found.groups()
    elif found := re.search(r"shape '\[([^\]]*)\]' is invalid for input of size (\d+)", reply.message):
        sizes, count = found.groups()
    else:
        return None
    sizes = [-1 if size.strip() == "newaxis" else int(size) for size in sizes.split(",") if size.strip()]
    room = math.prod(size for size in sizes if size != -1)
    there = "There is 1 number" if count == "1" else f"There are {count} numbers"
    return f"{there}, and the shape {tuple(sizes)} holds {f'a multiple of {room}' if -1 in sizes else room}"


def joined_of_different_axes(reply):
    """What is joined end to end has as many axes each."""
    found = re.search(
        r"must have same number of dimensions, .* index 0 has (\d+) dimension.* index \d+ has (\d+) dimension",
        reply.message,
    )
    if found is None:
        return None
    return f"What is joined end to end needs the same number of axes: one has {found[1]} here, and another {found[2]}"


def place_does_not_fit(reply):
    """What is put into an array is not shaped like its place there."""
    if found := re.search(
        r"could not broadcast input array from shape (\([\d,]*\)) into shape (\([\d,]*\))", reply.message
    ):
        put, place = map(_spaced, found.groups())
        return f"What is put there has shape {put}, and its place there has shape {place}"
    return None


def einsum_does_not_fit(reply):
    """One letter of einsum stands for axes of different lengths."""
    if found := re.search(
        r"subscript (\w) has size (\d+) for operand \d+ .* previously seen size (\d+)", reply.message
    ):
        letter, later, earlier = found.groups()
        return f"In einsum, the letter {letter} stands for an axis of {earlier} and for one of {later}"
    letters = re.search(r"einsum\(\s*[\"']([a-zA-Z, ]+)(?:->[a-zA-Z ]*)?[\"']", reply.line or "")
    if letters is None or "remapped shapes" not in reply.message:
        return None
    shapes = [
        [int(size) for size in shape.split(",") if size] for shape in re.findall(r"\(([\d,]*)\)->", reply.message)
    ]
    seen = {}
    for names, shape in zip(letters[1].replace(" ", "").split(","), shapes, strict=False):
        for letter, size in zip(names, shape, strict=False):
            if 1 not in (size, seen.setdefault(letter, size)) and size != seen[letter]:
                return f"In einsum, the letter {letter} stands for an axis of {seen[letter]} and for one of {size}"
            seen[letter] = max(size, seen[letter])
    return None


def unpacked(reply):
    """A shape is taken apart into more names, or fewer, than it has axes."""
    counts = re.search(r"(?:not enough|too many) values to unpack \(expected (\d+)", reply.message)
    shape = re.search(r"=\s*(\w+)\.shape$", reply.line)
    of = next((one for one in reply.operands if shape and one.text == shape[1]), None)
    if counts is None or of is None:
        return None
    return f"It takes a shape apart into {counts[1]} names, and {of.text} has {_axes(len(of.shape))} here"


def dtypes_clash(reply):
    """PyTorch multiplies matrices of one dtype."""
    found = re.search(
        r"same dtype, but got:? (\w+) (?:!=|and) (\w+)|expected scalar type (\w+) but found (\w+)", reply.message
    )
    if found is None:
        return None
    names = {"float": "float32", "double": "float64", "long": "int64", "int": "int32", "half": "float16"}
    left, right = (names.get(name.lower(), name.lower()) for name in filter(None, found.groups()))
    return (
        f"PyTorch wants one dtype on both sides, and here are {left} and {right}. What is made anew (torch.ones, "
        f"torch.zeros, torch.tensor) is float32 unless told otherwise: dtype=..."
    )


def of_the_other_library(reply):
    """A method that the other library's arrays have."""
    if reply.error != "AttributeError" or not (found := re.search(r"has no attribute '(\w+)'", reply.message)):
        return None
    if "numpy.ndarray" in reply.message:
        return f"A NumPy array has no .{found[1]}"
    if "'Tensor'" in reply.message:
        return f"A tensor has no .{found[1]}"
    return None


def of_nothing(reply):
    """Something is None, and has no values, no attributes and no length."""
    name = next((one.text for one in reply.operands if one.words == "None"), None)
    return f"{name} is None in this case, which is no array" if name and "NoneType" in reply.message else None


def slice_of_the_second_axis(reply):
    """Empty pieces, or pieces of different shapes: the second axis is sliced where the last one is meant."""
    signs = "inhomogeneous shape|must have the same shape|each tensor to be equal size|expected sequence of length"
    if not re.search(signs, reply.message):
        return None
    sliced = re.search(r"\b(\w+)\[:, *([^\[\],]*:[^\[\],]*)\]", reply.line)
    if sliced and any(one.text == sliced[1] and len(one.shape) > 2 for one in reply.operands):
        return (
            f"The pieces have different shapes: `{sliced[0]}` slices axis 1, which is not the last one here. The last "
            f"axis, whatever stands before it, is sliced by `[..., {sliced[2]}]`"
        )
    empty = re.search(r"\w+ (\((?:\d+, )*0(?:, \d+)*,?\))", " ".join(one.words for one in reply.operands))
    if empty is None:
        return None
    return (
        f"One of these has shape {empty[1]}: it is empty, as where a slice begins after the end of its axis. "
        f"`x[a:b]` slices axis 0, and `x[:, a:b]` axis 1, which is the last one only where x has two axes. `x[..., "
        f"a:b]` slices the last one always"
    )


def rows_of_different_lengths(reply):
    """An array needs rows of one length."""
    signs = "inhomogeneous shape|must have the same shape|each tensor to be equal size|expected sequence of length"
    if re.search(signs, reply.message):
        return "What should become one array does not have the same shape throughout: rows of different lengths, say"
    return None


def shape_as_two_arguments(reply):
    """NumPy takes a shape as one argument, in parentheses of its own."""
    if re.search(r"Cannot interpret '\d+' as a data type", reply.message):
        return "NumPy takes a shape as one argument, (rows, columns), and what comes second for the dtype"
    return None


def list_with_two_indices(reply):
    """A list takes one index."""
    if "list indices must be integers or slices, not tuple" in reply.message:
        return "A list takes one index at a time; several at once, [i, j], is what arrays take"
    return None


def float_where_an_integer_is_needed(reply):
    """A count, or an index, that is no integer."""
    if "'float' object cannot be interpreted as an integer" in reply.message:
        return "An integer is needed there, and it is a float: `/` gives a float, `//` of integers an integer"
    return None


def one_number_of_many(reply):
    """Python's own functions of numbers take one number."""
    signs = "only one element tensors|only length-1 arrays|only 0-dimensional arrays|only integer scalar arrays"
    if re.search(signs, reply.message):
        return (
            "A plain number is needed there, and it gets an array with axes: np. and torch. have functions for all "
            "numbers at once"
        )
    return None


def overflow_of_one_number(reply):
    """math.exp stops where the functions of arrays give infinity."""
    if reply.error == "OverflowError" and "math" in reply.message:
        return "math.exp stops with an error above about 709; np.exp and torch.exp give infinity there"
    return None


def unknown_name(reply):
    """A name that means nothing there."""
    if reply.error == "UnboundLocalError" and (found := re.search(r"variable '(\w+)'", reply.message)):
        return f"`{found[1]}` is assigned somewhere in the function, but not before this line is reached"
    if reply.error == "NameError" and (found := re.search(r"name '(\w+)' is not defined", reply.message)):
        return f"`{found[1]}` means nothing there: no variable, function or import of that name"
    return None


def called_otherwise(reply, build):
    """`__init__` or `forward` does not take what the task hands it; the call is none of the learner's lines."""
    found = re.search(r"(?:\w+\.)?(__init__|forward)\(\) (.*positional argument.*)", reply.message)
    if reply.error != "TypeError" or found is None or reply.line or build.given:
        return None
    handed = build.arguments if found[1] == "__init__" else build.takes
    way = f"{build.module}({', '.join(handed)})" if found[1] == "__init__" else f"layer({', '.join(handed)})"
    wanted = f"The task calls `{way}`, so `{found[1]}` takes {_listed(('self', *handed))}, in this order"
    if takes := re.search(r"takes (?:from \d+ to )?(\d+) positional", found[2]):
        return f"{wanted}. Yours takes {takes[1] if takes[1] != '0' else 'none'} of these {len(handed) + 1}"
    if missing := re.search(r"missing \d+ required positional arguments?: (.*)", found[2]):
        return f"{wanted}. In yours, nothing is left for {missing[1].replace(chr(39), '`')}"
    return None


def before_super(reply):
    """A module takes no attributes before its own __init__ has run."""
    if "before Module.__init__() call" in reply.message:
        return (
            "A module can keep nothing yet: the first line of __init__ has to be `super().__init__()`, with both pairs "
            "of parentheses, by which nn.Module prepares its list of parameters"
        )
    return None


def super_with_sizes(reply):
    """nn.Module's own __init__ is called without arguments."""
    if reply.error == "TypeError" and re.match(r"super\(.*\)\.__init__\(.+\)$", reply.line):
        return "nn.Module takes no sizes: it is `super().__init__()`, with nothing in the parentheses"
    return None


def no_forward(reply):
    """A module is called, and has no forward."""
    if reply.error == "NotImplementedError" and 'is missing the required "forward" function' in reply.message:
        return (
            "The layer is called, and there is no `forward` in its class: a function of just that name, indented as "
            "far as `__init__`"
        )
    return None


def attribute_of_self(reply):
    """An attribute that no line has set, or one of a layer that arrays have."""
    found = re.fullmatch(r"'(\w+)' object has no attribute '(\w+)'", reply.message)
    if reply.error != "AttributeError" or found is None:
        return None
    owner, name = found.groups()
    if re.search(rf"\bself\.{name}\b", reply.line):
        return f"self has no `{name}` there: what is taken from self has to be set before, as in `self.{name} = ...`"
    if owner in LAYERS:
        return f"nn.{owner} is a layer, not an array, and has no .{name}: it is called, as in self.W_q(x)"
    return None


def layer_as_an_array(reply):
    """A layer stands where an array is needed."""
    found = re.search(r"unsupported operand type\(s\) for .+: '(\w+)' and '(\w+)'", reply.message)
    if found is None:
        found = re.search(r"must be Tensor, not (\w+)", reply.message)
    layer = next((name for name in found.groups() if name in LAYERS), None) if found else None
    if layer is None:
        return None
    return f"nn.{layer} is a layer, not an array: it is called, as in self.W_q(x)"


def tensor_for_a_module(reply):
    """A name that holds a module is to hold a tensor."""
    found = re.search(r"cannot assign '[\w.]+' as (child module|parameter) '(\w+)'", reply.message)
    if found is None:
        return None
    holds = "a layer" if found[1] == "child module" else "a parameter"
    return (
        f"`{found[2]}` of the module holds {holds}, and a tensor is to take its place. What is computed at each call "
        f"is a variable of its own, without `self.`"
    )


def sizes_of_a_linear(reply):
    """nn.Linear is built with two sizes."""
    if re.search(r"Linear\.__init__\(\) missing 1 required positional argument: 'out_features'", reply.message):
        return "A linear map is built with two sizes: nn.Linear(inputs, outputs)"
    return None


def layer_of_several(reply):
    """A layer takes one tensor at a call."""
    found = re.search(r"(\w+)\.forward\(\) takes 2 positional arguments but (\d+) were given", reply.message)
    if found is None or found[1] not in LAYERS:
        return None
    return f"nn.{found[1]} takes one tensor at a call, and gets {int(found[2]) - 1} things"


def number_for_a_tensor(reply):
    """A function of PyTorch gets a plain number."""
    if re.search(r"must be Tensor, not (int|float)\b", reply.message):
        return "A tensor is needed there, and it gets a plain number: for those there is math, as in math.sqrt"
    return None


def weight_as_it_is_kept(reply):
    """What a linear map keeps is turned around."""
    found = re.fullmatch(r"(\w+) @ (self\.\w+)\.weight", reply.line)
    if found is None or "cannot be multiplied" not in reply.message:
        return None
    return (
        f"nn.Linear keeps its weight turned around, (outputs, inputs). `{found[2]}({found[1]})` is the whole map, with "
        f"the bias"
    )


def layer_of_other_sizes(reply):
    """A linear map gets vectors of another size than it was built for."""
    found = re.search(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", reply.message)
    called = re.fullmatch(r"(?:return )?(self\.\w+)\(.*\)", reply.line)
    if found is None or called is None:
        return None
    return f"A linear map there is built for vectors of size {found[2]}, and gets vectors of size {found[1]}"


def no_files(reply):
    """Files that are there for a learner are not there for whoever grades."""
    if reply.error not in ("FileNotFoundError", "PermissionError"):
        return None
    return (
        f"{reply.error}: {reply.message}. An answer is graded where it can read no files of yours and write none: it "
        f"works with what it is handed"
    )


RULES = (
    no_files,
    before_super,
    super_with_sizes,
    no_forward,
    attribute_of_self,
    layer_as_an_array,
    tensor_for_a_module,
    sizes_of_a_linear,
    layer_of_several,
    number_for_a_tensor,
    weight_as_it_is_kept,
    layer_of_other_sizes,
    all_axes_reversed,
    numpy_transposes_all_axes,
    truth_of_many,
    no_such_axis,
    dtypes_clash,
    product_does_not_fit,
    new_axes_from_the_front,
    shapes_do_not_broadcast,
    product_of_results,
    results_do_not_broadcast,
    product_with_one_number,
    reshape_does_not_fit,
    joined_of_different_axes,
    place_does_not_fit,
    einsum_does_not_fit,
    letters_of_einsum,
    places_of_a_mask,
    unpacked,
    of_the_other_library,
    of_nothing,
    slice_of_the_second_axis,
    rows_of_different_lengths,
    shape_as_two_arguments,
    list_with_two_indices,
    float_where_an_integer_is_needed,
    one_number_of_many,
    overflow_of_one_number,
    unknown_name,
)


LAYERS = {"Linear", "Embedding", "LayerNorm", "Dropout", "ReLU", "Sequential"}  # those of PyTorch that are called


def _listed(names):
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _spaced(shape):
    return shape.replace(",", ", ").replace(", )", ",)")


def _axes(count):
    return "1 axis" if count == 1 else f"{count} axes"


def _sides(reply, *operators):
    """Return the two operands if the line is one operation on exactly two arrays of one library and dtype."""
    match _expression(reply.line):
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            found = [next((one for one in reply.operands if one.text == ast.unparse(s)), None) for s in (left, right)]
        case _:
            return None
    if (
        None in found
        or not all(one.library for one in found)
        or not isinstance(op, operators)
        or found[0].library != found[1].library
    ):
        return None
    return found


def _clash(left, right):
    """Return the first axis, counted from the end, on which two shapes do not broadcast; None if they do."""
    pairs = enumerate(zip(reversed(left), reversed(right), strict=False), start=1)
    return next((axis for axis, (a, b) in pairs if a != b and 1 not in (a, b)), None)


def _expression(line):
    try:
        return ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
