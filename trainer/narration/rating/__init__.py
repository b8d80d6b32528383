"""Consistency ratings: how well a clip's visual and audio narration agree, 0..1 (the paper's section 2.2)."""
