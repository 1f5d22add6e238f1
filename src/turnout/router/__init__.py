"""The router: admit, decide, call, record."""

from turnout.router.library import Answer, AnswerStream, Embeddings
from turnout.router.parts import Parts, Routes
from turnout.router.router import Router

__all__ = ["Answer", "AnswerStream", "Embeddings", "Parts", "Router", "Routes"]
