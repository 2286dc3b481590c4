"""The command line: options in, tables and exit statuses out."""
