"""Every error that Tesserae raises on purpose; pages and the command line catch `TesseraeError` only.

    TesseraeError
    ├── PhotoError         a photograph cannot be read or is refused
    ├── LabelMapError      a label map cannot be read or is not one
    ├── CorrectionError    a correction cannot be made, or a log of them cannot be read
    ├── AnnotationError    an annotation made elsewhere cannot be read or does not fit its photo
    ├── DatasetError       there is too little to learn from, or a dataset cannot be taken over
    ├── TruthError         a truth file cannot be read or does not fit the label map
    ├── CheckpointError    a checkpoint is unknown, missing, damaged or does not fit its config
    │   └── DownloadError  a checkpoint could not be fetched
    ├── TrainingError      a fine-tune cannot start or go on
    ├── DeviceError        a device was asked for that this machine does not have
    ├── OutputError        a result could not be written
    └── StoreError         the collection's database fails, or has not what was asked for
        └── ConflictError  somebody else changed it first

A message says what was expected, what was found, and what to do next, in sentences for people who do not program.
"""


class TesseraeError(Exception):
    """Base of the tree; its text is shown to the user as it is."""


class PhotoError(TesseraeError):
    """A photograph cannot be read, or is refused."""


class LabelMapError(TesseraeError):
    """A label map cannot be read, or an array is not one."""


class CorrectionError(TesseraeError):
    """A correction cannot be made, or a log of them cannot be read."""


class AnnotationError(TesseraeError):
    """An annotation made elsewhere cannot be read, or does not fit its photo."""


class DatasetError(TesseraeError):
    """There is too little to learn from, or a dataset from elsewhere cannot be taken over."""


class TruthError(TesseraeError):
    """A truth file cannot be read, or does not fit the label map."""


class CheckpointError(TesseraeError):
    """A checkpoint is unknown, missing, damaged, or does not fit its config."""


class DownloadError(CheckpointError):
    """A checkpoint could not be fetched."""


class TrainingError(TesseraeError):
    """A fine-tune cannot start, or cannot go on."""


class DeviceError(TesseraeError):
    """A device was asked for that this machine does not have."""


class OutputError(TesseraeError):
    """A result could not be written."""


class StoreError(TesseraeError):
    """The collection's database fails, or has not what was asked for."""


class ConflictError(StoreError):
    """Somebody else changed it first."""
