"""The sections of the report, a file each; `pages` says which task shows which, in what order."""
