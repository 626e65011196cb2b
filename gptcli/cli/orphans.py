"""End a process of a run whose launcher was killed, which can end it no more: it may wait for others for ever."""

import os
import signal
import threading
import time
from collections.abc import Mapping

from gptcli.cli.signals import listening_request
from gptcli.engine.neighbours import number_in
from gptcli.errors import ExitCode

LAUNCHER = "GPTCLI_LAUNCHER"
"""The environment's name of the process that has started this one."""
LOOK_SECONDS = 0.5
PARTING_SECONDS = 10.0
"""How long it may take to end when told to, as from its launcher."""


def end_with_launcher(environment: Mapping[str, str]) -> None:
    """Look for the end of the launcher from now on, where there is one of ours."""
    launcher = number_in(environment, LAUNCHER)
    if launcher is not None:
        threading.Thread(target=_end_after, args=(launcher,), name="launcher", daemon=True).start()


def _end_after(launcher: int) -> None:
    """Send this process SIGTERM once its launcher is gone, and end it where nothing answers.

    While it waits in torch for the others to join, no Python runs that could.
    """
    while os.getppid() == launcher:
        time.sleep(LOOK_SECONDS)
    request = listening_request()
    if request is not None and request():
        return  # it is about to save: asked once more, as by who sends SIGTERM and then SIGKILL, it would end at once
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGTERM)
    if request is None:
        time.sleep(PARTING_SECONDS)
        os._exit(ExitCode.TERMINATED)
