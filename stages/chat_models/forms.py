"""In which form an answer is asked for: the strictest that the server knows."""

import logging

from stages.chat_models.bodies import modes_for
from stages.chat_models.interface import ChatRequest
from stages.chat_models.preset import OpenAIPreset
from stages.errors import InputError

logger = logging.getLogger("chat model")


class Forms:
    """The modes of :mod:`stages.chat_models.bodies`, less those that the server was seen to refuse."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self._preset = preset
        self._refused: set[str] = set()
        self._news = False

    def strictest(self, request: ChatRequest) -> str:
        return next(mode for mode in modes_for(request, self._preset) if mode not in self._refused)

    def refuse(self, mode: str, message: str) -> None:
        """The server does not know a mode; plainer ones are used from now on.

        Raises:
            InputError: There is no plainer one that the preset allows.
        """
        if self._preset.answers != "auto" or mode == "text":
            raise InputError(
                f"{self._preset.base_url} does not know the form of answer {mode!r}: set the preset's answers to auto."
                f" The server says: {message}"
            )
        if mode not in self._refused:
            logger.warning("%s does not know the form of answer %r: using a plainer one", self._preset.base_url, mode)
            self._news = True
        self._refused.add(mode)

    def just_refused(self) -> bool:
        """Whether a mode was refused for the first time since this was last asked."""
        news, self._news = self._news, False
        return news
