"""One session trading: orders, execution, positions and limits, inside the compiled kernel."""
