"""The viewer: a photo, or two results of it, to zoom and move in the browser; see `show_viewer`."""

from tesserae.ui.viewer.viewer import Layer, ViewerEvent, look_at, show_viewer

__all__ = ["Layer", "ViewerEvent", "look_at", "show_viewer"]
