"""Models: a timm backbone, a head, and the folder that holds both."""
