"""A mistake in a sweep file that only several fields together show, said with the path of the field to change."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def mistake(message: str, *path: str | int) -> ValidationError:
    """Return the error that a validator raises for the field at ``path`` below the one it validates."""
    said = PydanticCustomError("mistake", "{message}", {"message": message})
    return ValidationError.from_exception_data("sweep", [InitErrorDetails(type=said, loc=path, input=None)])
