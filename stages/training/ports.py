"""The old place of :mod:`stages.core.ports`, for modules that still import it from here."""

from stages.core.ports import free_port as free_port
