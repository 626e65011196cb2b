"""What finetune and pretrain tell their caller."""

from typing import TYPE_CHECKING

from gptcli.tasks.events import Notice, Stage
from gptcli.training.events import TrainingEvent

if TYPE_CHECKING:
    from gptcli.training.doctor import DataReport

    TuningEvent = Stage | Notice | TrainingEvent | DataReport
else:
    TuningEvent = object  # the doctor imports torch
