"""Give texts the probabilities of labels: by a model's own classification head, or by what a language model expects.

One interface for both, which `classify` and `evaluate --task classify` stand on:

    labeller = open_labeller(located, model_options, label_options or None, long="head")   # labeller.py
    labeller.labels                       # a LabelSet: kind, and names in the order of the probabilities
    for result in labeller.labelled(rows):    # rows: TextRow(index, record, text), anything else comes back in its place
        result.row.index, result.probabilities    # Labelled: float64 (labels,); those of classes that exclude each other sum to 1
    labeller.notices()                    # what was cut, told at the end

LabelOptions (options.py) imports nothing heavy, so that a command line is checked before anything is loaded.
"""
