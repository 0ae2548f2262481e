"""Side-by-side measurements: `make bench`, `make bench-quick`, and one module a figure (`python -m bench.<name>`)."""
