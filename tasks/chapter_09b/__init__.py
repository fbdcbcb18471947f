"""Chapter 09b, decoding: writing with the learner's own Transformer, with a cache, and by beam search."""

TITLE = "Decoding"
TASKS = ("extend_cache", "attend_to_cache", "greedy_decode", "cached_logits", "beam_search")
