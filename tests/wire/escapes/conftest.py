"""Functions that try to get out, to harm others, or to take what is not theirs. They run what a test sends
them, as Lambda functions on a server of their own; a neighbour has to be answered all the while, by the
same instance, and the server has to stay what it was. docs/security.md names what each test shows."""
import pytest
from support.attack import ATTACKER, World
from support.raw_client import resident_mib
from support.stack import wait_until

ANSWERED_WITHIN = 30.0  # seconds: the neighbour stands still for no attack, however loaded the machine is


@pytest.fixture(scope="package")
def world():
    made = World()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unharmed(world):
    """After each test: the neighbour was answered all the while, by one instance, and the server is the same."""
    world.instances.clear()
    world.failures.clear()
    world.slowest = 0.0
    yield
    wait_until(lambda: world.instances or world.failures, "the neighbour's answer", 20)
    assert world.failures == []
    assert len(world.instances) == 1, "the neighbour's instance was ended"
    assert world.slowest < ANSWERED_WITHIN
    assert world.server.process.poll() is None
    assert resident_mib(world.server) < 200


@pytest.fixture
def attacker(world):
    """A fresh function; its attack() answers what the code found."""
    world.create("attacker", ATTACKER)
    yield world.attack
    world.api.delete_function(FunctionName="attacker")
    world.functions.made.remove("attacker")
