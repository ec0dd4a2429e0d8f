"""A launch document sets fields of resources."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Greeting(rs.Resource):
    word: str = "hello"


@rs.Asset
def greets(catalogue_greeting: Greeting) -> str:
    return catalogue_greeting.word


ASSETS = [greets]
RESOURCES = {"catalogue_greeting": Greeting()}
LAUNCH = Launch(select=["greets"], config={"resources": {"catalogue_greeting": {"word": "good day"}}})
EXPECTED = Outcome(materialized=["greets"], values={"greets": "good day"})
