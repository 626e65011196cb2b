"""The table of bad input of explain; tests/test_bad_input.py runs it."""

from dataclasses import replace

from tests.bad_input import Case

WRONG = {
    "--above nan": "--above must be a finite number, not nan",
    "--below inf": "--below must be a finite number, not inf",
    "--above 5 --below 5": "--above 5 leaves no line below 5",
    "--by mean": "--by needs --above, --below or --scores",
    "--above x": "'x' is not a valid float",
    "--above 3 --by rank": "'rank' is not one of",
    "--above 3 --lens": "--above measures lines: it does not go with --lens",
    "--next 0": "--next must be at least 1, not 0",
    "--next 3 --vs gpt2": "--next and --vs contradict each other",
    "--next 3 --top-p 2": "--top-p must be above 0",
    "--top-k 3": "--top-k needs --next or --interactive",
    "--top -1": "--top must be between 0 and 1,000, not -1",
    "--lens --top -1": "--top must be between 0 and 1,000, not -1",
    "--lens --top 1001": "--top must be between 0 and 1,000, not 1001",
    "--top 3 --next 3": "--top does not go with --next",
    "--layer 1": "--layer needs --attention",
    "--attention --layer 1": "--layer needs --head",
    "--attention --layer 10 --head 0": "--layer must be between 0 and 9 for this model, not 10",
    "--attention --layer 0 --head -1": "--head must be between 0 and 5 for this model, not -1",
    "--lens --top 0 -o out.png": "--top does not go with -o out.png",
    "--attention --lens": "--attention and --lens contradict each other",
    "--attention --jsonl": "--jsonl does not go with --attention",
    "--attention -o out.gif": "-o out.gif: end its name in .png, .svg or .html",
    "-o out.png": "-o out.png needs --attention, --lens or --attribution",
    "--above 3 -o out.svg": "-o out.svg shows what is inside the model: it does not go with --above",
    "--attention --layer 1 --head 1 -o out.html": "--layer does not go with -o out.html",
    "--lens --overwrite": "--overwrite needs -o FILE",
    "--attribution gradients": "'gradients' is not one of",
    "--attribution gradient --target 8192": "--target 8192: the ids of this model are below 8192",
    "--attribution gradient --target 'once upon'": "--target 'once upon' is not one token of this model; it is [0-9]",
    "--attribution gradient --backend onnx": "--attribution needs gradients, which --backend onnx does not compute",
    "--target x": "--target needs --attribution",
    "--tsv --jsonl": "--tsv and --jsonl contradict each other",
    "--tsv --above 3": "--tsv has a row for each token: it does not go with --above",
    "--tsv -o out.tsv": "--tsv and -o FILE contradict each other",
    "--next 3 -o out.csv": "-o out.csv holds figures of each text: --next goes to .jsonl or .json",
    "--vs builtin": "--vs builtin is the same model as -m",
    "--column text": "--column needs -i FILE",
    "--resume": "--resume needs -o FILE",
    "-o out.xyz": "cannot tell the format of out.xyz",
    "--interactive --whole": "--whole does not go with --interactive",
    "--interactive": "--interactive: standard input, where it reads keys, is no terminal",
    "a b --lens": "--lens takes one TEXT: put it in quotes",
    # This was "argument:2: is a second text, and one is looked at: give TEXT, or --whole", with --whole too.
    "a b -o out.html": "-o out.html takes one TEXT: put it in quotes",
    "a b -o out.html --whole": "--whole reads a file or standard input: it does not go with TEXT",
    # The list of formats left out the pictures and the page.
    "a -o out.pdf": "cannot tell the format of out.pdf: .*.tsv, .html, .png or .svg",
}
LONG = b"a b " * 400 + b"\n"

OPTIONS = [Case(name=options, options=options, stdin=b"one\n", code=2, told=told) for options, told in WRONG.items()]
TEXTS = [
    Case(name="empty stdin", stdin=b"", code=3, told="standard input is empty"),
    Case(name="an empty line", options="--jsonl", stdin=b"one\n\ntwo\n", code=0, rows="+++"),
    Case(name="NUL bytes", options="--jsonl", stdin=b"o\0ne\n\0\n", code=0, rows="++"),
    Case(name="a text longer than the context", options="--jsonl", stdin=LONG, code=0, rows="+"),
    Case(
        name="a line that is not UTF-8",
        options="--jsonl",
        stdin=b"one\n\xff two\nthree\n",
        code=3,
        told="standard input:2: is not UTF-8: byte 0xff at column 1",
        rows="+-+",
    ),
    Case(
        name="a long text that is continued",
        options="--next 1 --jsonl",
        stdin=LONG,
        code=0,
        told="texts of which the last 512 tokens are read: 1 .first: standard input:1.",
        rows="+",
    ),
    Case(name="two texts to look inside", options="--lens", code=3, told="standard input:2: is a second text"),
    Case(name="no text to look inside", options="--lens", stdin=b"\n", code=3, told="the text is empty"),
    Case(
        name="a text too long to look inside",
        options="--attention",
        stdin=LONG,
        code=3,
        told="the text has [0-9,]+ tokens, the context holds 512: give a part of it",
    ),
    Case(
        name="a picture that is there already",
        options="x --lens -o out.png",
        files={"out.png": b"before"},
        kept={"out.png": b"before"},
        code=2,
        told="out.png exists: replace it with --overwrite",
    ),
    Case(name="a picture where none can be", options="x --lens -o no/out.png", code=3, told="no/out.png"),
    Case(name="a missing file", options="-i in.txt", code=3, told="cannot read in.txt: No such file or directory"),
    Case(
        name="a missing column",
        options="-i in.csv --above 3",
        files={"in.csv": b"id,body\n1,one\n"},
        code=3,
        told="in.csv: no column text or prompt: choose one of id, body with --column NAME",
    ),
    Case(name="no such model", options="-m nosuchmodel", code=4, told="no model 'nosuchmodel'.*-m builtin"),
    Case(name="no such model to compare with", options="--vs nosuchmodel", code=4, told="no model 'nosuchmodel'"),
    Case(name="a device that is absent", options="--device cuda", code=5, told="--device cuda: no such device.*cpu"),
]
EXPLANATIONS = [replace(case, command=f"explain -m builtin {case.options}") for case in (*OPTIONS, *TEXTS)]
"""With their whole command line."""
