"""The page that corrects: choice of what to correct, canvas and tools, the look back, suggestions, clean-up, approval, history."""
