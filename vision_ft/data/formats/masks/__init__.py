"""Images beside masks."""
