"""The first that a call meets on a server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc

from rivers.credentials.gate import Gate
from rivers.credentials.rules import rule_of
from rivers.credentials.token import Token
from rivers.errors import RiversError
from rivers.wire.errors import to_abort

Handler = Any
#: Seconds between two looks at a token whose stream goes on.
_LOOK = 1.0

Context = grpc.aio.ServicerContext[Any, Any]

#: Whose token the call that is being answered came with; `None` where none was asked for.
CALLER: ContextVar[Token | None] = ContextVar("CALLER", default=None)


class CredentialInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Asks the gate before anything of a request is read."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        handler = await continuation(details)
        if handler is None:
            return None  # nobody serves it, which is what it will be told
        method: str = details.method
        try:
            token = self._gate.admit(method, _authorization(details.invocation_metadata))
        except RiversError as error:
            return _refusing(handler, error)
        CALLER.set(token)
        if self._gate.needs_request(rule_of(method), token):
            return self._for_itself(handler, token)
        if token is not None and handler.response_streaming:
            tells = handler.unary_stream or handler.stream_stream
            if _is_coroutine(tells):
                return self._talk_while_good(handler, tells, token)
            if handler.unary_stream is not None and inspect.isasyncgenfunction(tells):
                return self._while_good(handler, token)
        return handler

    def _for_itself(self, handler: Handler, token: Token | None) -> Handler:
        """A location speaks for itself only."""

        async def call(request: Any, context: Context) -> Any:
            try:
                self._gate.admit_location(token, request.location, certificate_names(context))
            except RiversError as error:
                await _abort(context, error)
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _while_good(self, handler: Handler, token: Token) -> Handler:
        """A stream tells nothing more to a token that was revoked meanwhile."""

        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async for message in handler.unary_stream(request, context):
                try:
                    self._gate.recheck(token)
                except RiversError as error:
                    await _abort(context, error)
                yield message

        return grpc.unary_stream_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _talk_while_good(self, handler: Handler, tells: Any, token: Token) -> Handler:
        """A coroutine writes by itself, or is silent for long, so its token is looked at from time to time."""

        async def call(asked: Any, context: Context) -> None:
            talk = asyncio.ensure_future(tells(asked, context))
            try:
                while not (await asyncio.wait({talk}, timeout=_LOOK))[0]:
                    self._gate.recheck(token)
                talk.result()
            except RiversError as error:
                await _abort(context, error)
            finally:
                talk.cancel()
                await asyncio.gather(talk, return_exceptions=True)

        shapes = {False: grpc.unary_stream_rpc_method_handler, True: grpc.stream_stream_rpc_method_handler}
        make: Any = shapes[handler.request_streaming]
        return make(call, handler.request_deserializer, handler.response_serializer)


def certificate_names(context: Context) -> frozenset[str]:
    """The names in the certificate that the caller showed, if it showed one."""
    shown = context.auth_context()
    keys = ("x509_subject_alternative_name", "x509_common_name")
    return frozenset(value.decode(errors="replace") for key in keys for value in shown.get(key, ()))


def _is_coroutine(behaviour: Any) -> bool:
    return inspect.iscoroutinefunction(behaviour)


def _authorization(metadata: Any) -> str | None:
    found = [value for key, value in metadata or () if key == "authorization"]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _refusing(handler: Handler, error: RiversError) -> Handler:
    """A handler of the same shape, which does not even decode what it is sent."""

    async def refuse(request: Any, context: Context) -> None:
        await _abort(context, error)

    shapes = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make: Any = shapes[handler.request_streaming, handler.response_streaming]
    return make(refuse)


async def _abort(context: Context, error: RiversError) -> None:
    await context.abort(*to_abort(error))
