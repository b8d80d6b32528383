"""What people annotated: four file formats, the table that turns their words into labels, the truth about a clip."""

from edge.annotations.own_csv import read_annotations
from edge.annotations.truth import label_at

__all__ = ["label_at", "read_annotations"]
