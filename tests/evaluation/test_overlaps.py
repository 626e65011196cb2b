"""BLEU and chrF from sums over rows equal sacrebleu's corpus scores; ROUGE is rouge-score's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from gptcli.evaluation import bleu, chrf, rouge

TEXTS = [
    "The cat sat on the mat, and the dog did not.",
    "It is raining; nobody minds.",
    "",
    "Wait!",
    "Où est le chat ?",
]
REFERENCES = [
    ("The cat sat on a mat and the dog did not.", "A cat was on the mat."),
    ("It rains, nobody minds.", "It is raining; no one minds at all."),
    ("Something.", "Anything at all."),
    ("Wait!", "Stop!"),
    ("Où est le chien ?", "Où est-il ?"),
]
lines = st.text("ab c.", max_size=30)
corpora = st.lists(st.tuples(lines, lines, lines), min_size=1, max_size=6)


def bleu_sums(texts, references):
    metric = bleu.SentenceBleu()
    return np.stack([metric.sums(text, many) for text, many in zip(texts, references, strict=True)], axis=1)


def chrf_sums(texts, references):
    return np.stack([chrf.chrf_sums(text, many) for text, many in zip(texts, references, strict=True)], axis=1)


def assert_equal_to_sacrebleu(texts, references):
    streams = list(map(list, zip(*references, strict=True)))
    (ours,) = bleu.bleu(bleu_sums(texts, references).sum(1, keepdims=True))
    assert ours == pytest.approx(BLEU().corpus_score(texts, streams).score, abs=1e-12)
    (ours,) = chrf.chrf(chrf_sums(texts, references).sum(1, keepdims=True))
    assert ours == pytest.approx(CHRF().corpus_score(texts, streams).score, abs=1e-11)


@given(corpora)
def test_summed_rows_have_the_corpus_scores_of_sacrebleu(corpus):
    texts, first, second = map(list, zip(*corpus, strict=True))
    assert_equal_to_sacrebleu(texts, [(reference,) for reference in first])
    assert_equal_to_sacrebleu(texts, list(zip(first, second, strict=True)))


def test_the_same_of_sentences():
    assert_equal_to_sacrebleu(TEXTS, REFERENCES)


def test_a_row_by_itself_has_the_sentence_scores_of_sacrebleu():
    for text, many in zip(TEXTS, REFERENCES, strict=True):
        (ours,) = bleu.sentence_bleu(bleu_sums([text], [many]))
        assert ours == pytest.approx(BLEU(effective_order=True).sentence_score(text, list(many)).score)
        (ours,) = chrf.chrf(chrf_sums([text], [many]))
        assert ours == pytest.approx(CHRF().sentence_score(text, list(many)).score)


def test_many_columns_are_scored_as_each_alone():
    for score, sums in ((bleu.bleu, bleu_sums(TEXTS, REFERENCES)), (chrf.chrf, chrf_sums(TEXTS, REFERENCES))):
        assert score(sums).tolist() == [score(column[:, None])[0] for column in sums.T]


def test_any_number_of_references_has_its_signature():
    streams = list(map(list, zip(*REFERENCES, strict=True)))
    for references, given_streams in ((1, streams[:1]), (2, streams), (None, [streams[0], [*streams[1][:-1], None]])):
        for metric, name in ((BLEU(), "bleu"), (CHRF(), "chrf")):
            metric.corpus_score(TEXTS, given_streams)
            assert bleu.signatures(references)[name] == str(metric.get_signature())
    assert "nrefs:var" in bleu.signatures(None)["bleu"]


def test_rouge_is_that_of_the_best_reference():
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for text, many in zip(TEXTS, REFERENCES, strict=True):
        expected = scorer.score_multi(list(many), text)
        assert rouge.Rouge().scores(text, many) == {kind: found.fmeasure for kind, found in expected.items()}
    assert rouge.signature().startswith("measure:f|stemmer:no")
