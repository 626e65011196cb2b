"""Conventions by name."""

import pytest

from gptcli.errors import ConfigError
from gptcli.evaluation.protocols import OURS, PROTOCOLS, convention_of


def test_a_protocol_settles_whatever_moves_the_number_that_it_leaves_free():
    for convention in PROTOCOLS.values():
        assert "separator" not in convention.free
        assert "bos" not in convention.free
        assert convention.bos is not None
    assert OURS.free == {"context", "stride", "bos", "separator"}


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    assert convention_of(None) is OURS
    assert convention_of("lm-eval") is PROTOCOLS["lm-eval"]
    with pytest.raises(ConfigError, match=r"must be hf-docs, gpt2-paper, lm-eval, llama\.cpp, not 'hf'"):
        convention_of("hf")
