"""The router: admit, decide, call, record."""

from turnout.router.library import Answer, AnswerStream
from turnout.router.router import Router, Routes

__all__ = ["Answer", "AnswerStream", "Router", "Routes"]
