"""Errors as statuses: the client raises the class that the server raised.

A servicer has the `border` that every request must pass first.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import structlog

from rivers.errors import RiversError
from rivers.wire.errors import to_abort

log = structlog.get_logger()

T = TypeVar("T")


def unary(method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """A unary RPC whose errors of ours become statuses with details; others are logged and answered INTERNAL."""

    @functools.wraps(method)
    async def call(self: Any, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> T:
        try:
            self.border.check(request)
            return await method(self, request, context)
        except Exception as error:
            await _abort(context, error, method.__name__)
            raise

    return call


def client_streaming(method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """An RPC whose request comes in pieces, likewise; each piece passes the border."""

    @functools.wraps(method)
    async def call(self: Any, pieces: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]) -> T:
        async def checked() -> AsyncIterator[Any]:
            async for piece in pieces:
                self.border.check(piece)
                yield piece

        try:
            return await method(self, checked(), context)
        except Exception as error:
            await _abort(context, error, method.__name__)
            raise

    return call


def streaming(method: Callable[..., AsyncIterator[T]]) -> Callable[..., AsyncIterator[T]]:
    """A streaming RPC, likewise."""

    @functools.wraps(method)
    async def call(self: Any, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[T]:
        try:
            self.border.check(request)
            async for response in method(self, request, context):
                yield response
        except Exception as error:
            await _abort(context, error, method.__name__)
            raise

    return call


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: Exception, method: str) -> None:
    if isinstance(error, RiversError):
        code, message, trailing = to_abort(error)
        await context.abort(code, message, trailing)
    if not isinstance(error, grpc.aio.AbortError | asyncio.CancelledError):
        log.exception("request_failed", method=method)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error; the scheduler's log has the details")
