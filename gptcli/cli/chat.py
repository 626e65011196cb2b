"""gptcli chat: the command and what its help teaches."""

import typer

from gptcli.cli.chat_options import ChatModelFlags, ConversationFlags
from gptcli.cli.flags import Job, given
from gptcli.cli.options import CommonFlags
from gptcli.cli.sampling import DrawingFlags

EXAMPLES = """Examples:

\b
  Talk to a model; /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves:
    gptcli chat -m microsoft/DialoGPT-medium

\b
  A model of your own, tuned on a conversation that was saved with /save talk.jsonl:
    gptcli finetune talk.jsonl --task complete -o mine && gptcli chat -m mine

\b
  A filter: a turn a line in, an answer a line out:
    echo "Who wrote Hamlet?" | gptcli chat -m ./qa-model --seed 1
"""


def command(
    context: typer.Context,
    conversation: ConversationFlags,
    drawing: DrawingFlags,
    model: ChatModelFlags,
    common: CommonFlags,
) -> Job:
    """Talk with a model.

    Answers go to standard output, everything else to standard error. A base model, which has learned no conversation,
    is given one as a plain text, and stopped where it would speak for you. Sampling options can be changed on the way.
    """
    from gptcli.cli.chatting import ChatFlags, prepare

    flags = ChatFlags(conversation=conversation, drawing=drawing, model=model, given=given(context))
    return Job(work=prepare(flags), common=common.joined(context.obj))
