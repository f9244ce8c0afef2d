"""Tables, figures (one a file) and the HTML page."""
