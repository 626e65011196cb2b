"""gptcli serve: the command and what its help teaches."""

import typer

from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags
from gptcli.cli.serve_options import AccessFlags, LoadFlags, ServedModelFlags

EXAMPLES = """Examples:

\b
  Open the playground in a browser, at the address that it tells:
    gptcli serve

\b
  Serve several models, of which a request names one; the first is meant where it names none:
    gptcli serve -m gpt2 -m ./sentiment

\b
  Let others in, who must know the key; give it in the environment, where no other user sees it:
    GPTCLI_API_KEY=... gptcli serve --host 0.0.0.0

\b
  Ask it as you would ask OpenAI's API:
    curl localhost:8000/v1/completions -H 'Content-Type: application/json' \\
      -d '{"prompt": "Once upon a time", "max_tokens": 20, "seed": 1}'

\b
  Use the openai package of Python:
    OpenAI(base_url="http://localhost:8000/v1", api_key="none").completions.create(
      model="gpt2", prompt="Once upon a time", max_tokens=20)

Ctrl-C or SIGTERM stops it: what runs may finish, a second one ends it at once. /openapi.json says what it
answers to, /health whether it takes requests, and /metrics how it does, for Prometheus.
"""


def command(
    context: typer.Context,
    model: ServedModelFlags,
    access: AccessFlags,
    load: LoadFlags,
    common: CommonFlags,
) -> Job:
    """Serve models over HTTP: a playground in the browser, and OpenAI's API.

    Requests that come at the same time share one batch, and each gets what generate gives for its seed.
    """
    from gptcli.cli.serving import prepare

    return Job(work=prepare(model, access, load, given(context)), common=common.joined(context.obj))
