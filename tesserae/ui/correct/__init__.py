"""The parts of the page that corrects: tools, view, canvas, history, suggestions, clean-up, approval."""
