"""The old place of :mod:`stages.core.ports`, for modules that still import it from here."""

from stages.core import ports

free_port = ports.free_port
