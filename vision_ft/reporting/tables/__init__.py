"""Tables beside the page as CSV."""
