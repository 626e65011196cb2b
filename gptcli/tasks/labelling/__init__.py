"""Give texts the probabilities of labels: by a model's own classification head, or by what a language model expects.

One interface for both, which `classify` and `evaluate --task classify` stand on:

    labeller = open_labeller(located, model_options, label_options or None, long="head")
    labeller.labels                           # a LabelSet: kind, and names in the order of the probabilities
    for result in labeller.labelled(rows):    # of TextRow; anything else comes back
        result.row.index, result.probabilities    # of Labelled: float64 (labels,)
    labeller.notices()                        # what was cut, told at the end

LabelOptions (options.py) imports nothing heavy, so that a command line is checked before anything is loaded.
"""
