"""Chapter 11, speech to characters: from a waveform to frames, masks for them, and the errors counted."""

TITLE = "Speech to characters"
TASKS = ("split_frames", "log_mel", "subsampled_mask", "character_error_rate", "edit_distances")
