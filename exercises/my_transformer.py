"""My Transformer: what I build in "Self-Attention, Step by Step", part by part.

check(...) writes every right answer here that is one of the parts. Until then, the line below a heading takes the
course's own. What stands here is mine to change: what I edit by hand is not replaced without asking.
"""

# 04.padding_mask ------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import padding_mask


# 04.causal_mask -------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import causal_mask


# 04.masked_softmax ----------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import masked_softmax


# 04.masked_attention --------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import masked_attention


# 05.SelfAttention ------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import SelfAttention


# 06.split_heads -------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import split_heads


# 06.merge_heads -------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import merge_heads


# 06.MultiHeadAttention ------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import MultiHeadAttention


# 07.sinusoidal_positions ----------------------------------------------------------------------------- the course's own

from solutions.my_transformer import sinusoidal_positions


# 07.SinusoidalPositions ------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import SinusoidalPositions


# 08.layer_norm --------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import layer_norm


# 08.FeedForward -------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import FeedForward


# 08.EncoderBlock ------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import EncoderBlock


# 08.Encoder ------------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import Encoder


# 09.DecoderBlock ------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import DecoderBlock


# 09.Decoder ------------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import Decoder


# 09.Transformer -------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import Transformer


# 09b.extend_cache ------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import extend_cache


# 09b.attend_to_cache --------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import attend_to_cache


# 09b.greedy_decode ----------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import greedy_decode


# 09b.cached_logits ----------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import cached_logits


# 09b.beam_search ------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import beam_search


# 10.teacher_forced_batch ----------------------------------------------------------------------------- the course's own

from solutions.my_transformer import teacher_forced_batch


# 10.padded_cross_entropy ----------------------------------------------------------------------------- the course's own

from solutions.my_transformer import padded_cross_entropy


# 10.learning_rate ------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import learning_rate


# 10.adam_step ---------------------------------------------------------------------------------------- the course's own

from solutions.my_transformer import adam_step


# 10.training_step ------------------------------------------------------------------------------------ the course's own

from solutions.my_transformer import training_step
