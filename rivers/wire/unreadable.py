"""Requests that are no messages: answered INVALID_ARGUMENT.

gRPC's own server would answer UNKNOWN, and log a trace for each of them.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

Handler = Any
Context = grpc.aio.ServicerContext[Any, Any]


class Unreadable:
    """Stands for a request that could not be read; the text says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class UnreadableInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Comes before all that looks at requests.

    A coroutine that talks on a stream in both directions is given `Unreadable` itself: it may have to end its session.
    """

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        handler = await continuation(details)
        if handler is None or handler.request_deserializer is None:
            return handler
        read = _reader(handler.request_deserializer)
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(_once(handler.unary_unary), read, handler.response_serializer)
        if handler.unary_stream is not None:
            wrapped = _many if inspect.isasyncgenfunction(handler.unary_stream) else _once
            return grpc.unary_stream_rpc_method_handler(
                wrapped(handler.unary_stream), read, handler.response_serializer
            )
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(
                _once_heard(handler.stream_unary), read, handler.response_serializer
            )
        talks = handler.stream_stream
        if inspect.isasyncgenfunction(talks):
            talks = _many_heard(talks)
        return grpc.stream_stream_rpc_method_handler(talks, read, handler.response_serializer)


async def refuse(context: Context, message: Unreadable) -> None:
    """Ends a call whose request could not be read."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request cannot be read: {message.reason}")


def _reader(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(raw: bytes) -> Any:
        try:
            return parse(raw)
        except DecodeError as error:
            return Unreadable(str(error))

    return read


def _once(method: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        if isinstance(request, Unreadable):
            await refuse(context, request)
        return await method(request, context)

    return call


def _many(method: Callable[[Any, Context], AsyncIterator[Any]]) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        if isinstance(request, Unreadable):
            await refuse(context, request)
        async for response in method(request, context):
            yield response

    return call


def _once_heard(
    method: Callable[[AsyncIterator[Any], Context], Awaitable[Any]],
) -> Callable[[AsyncIterator[Any], Context], Awaitable[Any]]:
    async def call(requests: AsyncIterator[Any], context: Context) -> Any:
        return await method(_readable(requests, context), context)

    return call


def _many_heard(
    method: Callable[[AsyncIterator[Any], Context], AsyncIterator[Any]],
) -> Callable[[AsyncIterator[Any], Context], AsyncIterator[Any]]:
    async def call(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        async for response in method(_readable(requests, context), context):
            yield response

    return call


async def _readable(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
    async for request in requests:
        if isinstance(request, Unreadable):
            await refuse(context, request)
        yield request
