"""The class that a server raises is the class that its client raises."""

import grpc
import pytest

from rivers import errors as tree
from rivers.v1 import failure_pb2
from rivers.wire import errors


class Refused(grpc.RpcError):
    """A call that ended with a status, as `grpc` presents it."""

    def __init__(self, code, details="", metadata=()):
        self._answer = code, details, metadata

    def code(self):
        return self._answer[0]

    def details(self):
        return self._answer[1]

    def trailing_metadata(self):
        return self._answer[2]


#: The tree; a class elsewhere that only adds a base of Python's has the code of its parent, and travels as that.
EVERY = [cls for cls in vars(tree).values() if isinstance(cls, type) and issubclass(cls, tree.RiversError)]


@pytest.mark.parametrize("cls", EVERY)
def test_every_class_comes_back_as_itself(cls):
    raised = cls("Run 'x' is gone", field="run_id", remedy="look again", run_id="x")
    received = errors.from_rpc_error(Refused(*errors.to_abort(raised)), address="here:1")
    assert type(received) is cls
    assert str(received) == "Run 'x' is gone"
    assert (received.code, received.field, received.remedy, received.ids) == (
        cls.code,
        "run_id",
        "look again",
        {"run_id": "x"},
    )
    assert received.run_id == "x"


def test_codes_are_unique():
    codes = [cls.code for cls in EVERY]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (grpc.StatusCode.NOT_FOUND, tree.RequestError),
        (grpc.StatusCode.FAILED_PRECONDITION, tree.RequestError),
        (grpc.StatusCode.UNAVAILABLE, tree.UnavailableError),
        (grpc.StatusCode.INTERNAL, tree.RiversError),
    ],
)
def test_a_class_of_a_newer_version_is_the_nearest_that_is_known(status, cls):
    received = errors.from_detail(
        status.value[0], "what?", failure_pb2.ErrorDetail(code="too_new", ids={"thing": "x", "message": "y"})
    )
    assert type(received) is cls
    assert received.ids == {"thing": "x"}


@pytest.mark.parametrize(
    ("status", "cls", "sentence"),
    [
        ("UNAVAILABLE", tree.SchedulerUnavailableError, "No scheduler answers at here:1; start one with `rivers"),
        ("DEADLINE_EXCEEDED", tree.UnavailableError, "here:1 did not answer in time"),
        ("UNIMPLEMENTED", tree.RequestError, "here:1 does not know this call"),
        ("PERMISSION_DENIED", tree.RequestError, "here:1 answered PERMISSION_DENIED: hm"),
        ("INTERNAL", tree.RiversError, "here:1 answered INTERNAL: hm"),
    ],
)
def test_a_status_without_detail_still_names_whom_was_asked(status, cls, sentence):
    received = errors.from_rpc_error(Refused(grpc.StatusCode[status], "hm"), address="here:1")
    assert type(received) is cls
    assert str(received).startswith(sentence)


def test_a_long_message_fits_into_the_trailers():
    raised = tree.LoadError("é" * 100_000, module="m" * 100_000, remedy="\ud800" * 5000)
    _, message, trailers = errors.to_abort(raised)
    assert len(message.encode()) * 3 + sum(len(value) * 4 // 3 for _, value in trailers) < 8000
    assert type(errors.from_rpc_error(Refused(*errors.to_abort(raised)), address="")) is tree.LoadError


def test_the_status_is_one_that_other_languages_read():
    status = errors.to_status(tree.RunNotFoundError(run_id="x"))
    assert status.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert status.details[0].Is(failure_pb2.ErrorDetail.DESCRIPTOR)
