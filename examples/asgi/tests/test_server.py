"""A test of one's own, beside the checks."""

from server import is_known


def test_a_key_without_basic_credentials_is_unknown():
    assert not is_known(b"a-key-for-tests")
