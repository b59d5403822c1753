"""The verb `predict`: tables, masks, drawings and feeds."""
