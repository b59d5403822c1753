"""Section `data`: where the images are, how they are labelled and how they are split."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vision_ft.config.fields import AS_TEXT, Name, PositiveInt, Section, Share


class DataConfig(Section):
    """Where the images are, how they are labelled and how they are split."""

    path: Name = Field(description="Folder of images or index file; looked up from here, then beside the recipe.")
    root: Name | None = Field(
        default=None, description="Folder that the paths of an index file start from; null: the file's own folder."
    )
    format: Name = Field(
        default="auto", description='Dataset format, such as "imagefolder" or "csv"; "auto" looks at the data.'
    )
    label_column: Name = Field(default="label", description="Column of an index file that holds the class name.")
    label_columns: list[Name] | None = Field(default=None, description="Columns of labels: multilabel, multitask.")
    label_separator: Literal["auto", ";", "|", ",", " "] = Field(
        default="auto", description='Multilabel: what separates the labels of one cell; "auto" looks at the cells.'
    )
    path_column: Name = Field(default="path", description="Column of an index file that holds the image's path.")
    split_column: Name | None = Field(
        default=None, description='Column that holds train, val or test; null: "split" if present.'
    )
    group_column: Name | None = Field(
        default=None, description='Column of what must not cross splits; null: "group" if present.'
    )
    class_table: Name | None = Field(
        default=None, description="File with the classes of masks and their values or colours; null: in the folder."
    )
    mask_threshold: Annotated[float, Field(gt=0, le=1), AS_TEXT] | None = Field(
        default=None, description="Soft masks: the share of white from which a pixel is foreground; null: exact values."
    )
    group_pattern: Name | None = Field(
        default=None, description="Takes the group from the relative path, as in '{camera}/{label}/{sequence}_*'."
    )
    group_by: list[Name] | None = Field(
        default=None, description="Fields of group_pattern that form the group; null: all but label."
    )
    val: Share = Field(
        default=0.15, description="Share of the images kept for validation, where the data gives no split."
    )
    test: Share = Field(
        default=0.15, description="Share of the images kept for the test, where the data gives no split."
    )
    on_bad: Literal["fail", "drop"] = Field(
        default="fail", description="What a broken image does: stop the run, or be left out."
    )
    max_pixels: PositiveInt = Field(
        default=100_000_000, description="Largest image that is decoded, in pixels (width x height)."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError(
                f"val {self.val} and test {self.test} leave nothing to train on: their sum must be below 1"
            )
        if self.group_by is not None and self.group_pattern is None:
            raise ValueError("group_by names fields of group_pattern, which is not set: add group_pattern")
        return self
