"""The delta rule: a linear state that replaces what it stored under a key, where linear attention only adds.

Whoever is called from outside checks what came. A function whose first argument is the library `xp` checks nothing: it
is called from inside.
"""

from course_lib.relatives.linear_attention import check_step, divided, unchecked_feature_map
from course_lib.validation import check_attention, check_axes, check_equal_sizes, check_floats, check_leading_axes


def delta_rule_step(query, key, value, beta, S=None):
    """Take one token further: look up what the state answers to its key, and move that answer towards its value.

    With f(x) = phi(x) / sum(phi(x)): S_t = S_(t-1) + f(k_t) (beta_t (v_t - f(k_t)^T S_(t-1)))^T, and the output is
    f(q_t)^T S_t. With beta = 0 nothing is written. Linear attention would write v_t itself, whatever was there.

    Args:
        query: (..., d_k) of this token
        key: (..., d_k)
        value: (..., d_v)
        beta: (...) from 0 to 1: how far the answer moves
        S: (..., d_k, d_v), the state after the tokens before it; None for the first, where all is zero.

    Returns:
        (..., d_v) output, and the state (..., d_k, d_v) for the next step. The one that was given stays as it is.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other or the state.

    Source: Schlag, Irie and Schmidhuber 2021, section 4.2 (with elu + 1 as feature map).
    """
    xp = check_step(query, key, value, S)
    check_floats(value=value, beta=beta)
    check_leading_axes(1, key=key, value=value, beta=beta[..., None])
    q, k = sum_normalized(xp, query), sum_normalized(xp, key)
    wanted = value if S is None else value - (k[..., None, :] @ S)[..., 0, :]  # (..., d_v)
    change = k[..., :, None] * (beta[..., None] * wanted)[..., None, :]  # (..., d_k, d_v)
    S = change if S is None else S + change
    return (q[..., None, :] @ S)[..., 0, :], S


def delta_rule(query, key, value, beta):
    """Return the outputs of `delta_rule_step` at every position, all positions at once.

    What step t writes is u_t = beta_t (v_t - sum_(s<t) (f(k_t) . f(k_s)) u_s), because S_(t-1) is the sum of
    f(k_s) u_s^T. These are linear equations for all u at once, with a triangular matrix; then position i reads
    sum_(s<=i) (f(q_i) . f(k_s)) u_s.

    Args:
        query: (..., length, d_k)
        key: (..., length, d_k)
        value: (..., length, d_v)
        beta: (..., length) from 0 to 1

    Returns:
        (..., length, d_v) output.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other, as many queries as keys among them.

    float32 and float64 alone: the libraries solve no equations in shorter dtypes. The matrix is of size length x
    length, so this form is for sequences of a few hundred positions.

    Source: Schlag, Irie and Schmidhuber 2021, section 4.2; all at once, Yang et al. 2024 (arXiv 2406.06484).
    """
    xp = check_attention(query=query, key=key, value=value)
    check_floats(value=value, beta=beta)
    check_axes("beta", beta, "...", "length")
    check_equal_sizes(
        "position i reads positions 0 to i and writes with its own beta, so all are equally many",
        number_of_queries=query.shape[-2],
        number_of_keys=key.shape[-2],
        number_of_betas=beta.shape[-1],
    )
    beta = beta[..., None]  # (..., length, 1)
    leading = check_leading_axes(2, key=key, value=value, beta=beta)
    q, k = sum_normalized(xp, query), sum_normalized(xp, key)
    length, d_v = value.shape[-2:]
    # As many axes as the matrix has, so that no library takes the right-hand side for a row of vectors.
    values = xp.broadcast_to(beta * value, (*leading, length, d_v))
    diagonal = xp.eye(length, dtype=xp.bool, device=key.device)
    equations = xp.where(diagonal, 1.0, xp.tril(beta * (k @ k.mT)))  # (..., length, length)
    writes = xp.linalg.solve(equations, values)  # u, (..., length, d_v)
    return xp.tril(q @ k.mT) @ writes  # (..., length, d_v)


def sum_normalized(xp, x):
    """Return `phi(x) / sum(phi(x))`: features that are positive and sum to one."""
    features = unchecked_feature_map(xp, x)
    return divided(xp, features, xp.sum(features, axis=-1, keepdims=True))
