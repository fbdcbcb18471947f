"""How inputs are drawn: several tasks, in several chapters, take the same kind of arrays."""


def query_and_key(rng, q_len, k_len, d_k, **leading):
    """Return queries and keys with unit variance, whose scaled scores then have unit variance too.

    Further sizes are leading axes, in their order: `batch=2, num_heads=3` gives (2, 3, q_len, d_k).
    """
    axes = tuple(leading.values())
    return {"query": rng.normal(size=(*axes, q_len, d_k)), "key": rng.normal(size=(*axes, k_len, d_k))}
