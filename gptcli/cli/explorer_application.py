"""The next-token explorer at a terminal: prompt_toolkit hands keys to it and draws its lines below the shell's."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from gptcli.cli.explorer_screen import KEYS_OF_TYPING, draw, keys_of_looking
from gptcli.cli.explorer_state import Explorer
from gptcli.cli.surface import Surface
from gptcli.tasks.exploring import Knob

STYLE = Style.from_dict(
    {
        "kept": "ansigreen",
        "faint": "ansibrightblack",
        "bold": "bold",
        "preview": "bold underline",
        "chosen": "reverse",
    }
)
"""Colours by the names of the person's terminal; without them nothing is lost, since what they tell is written too."""
PAGE = 10
PROMPT = "add: "
TURNS: dict[str, tuple[Knob, Literal[-1, 1]]] = {
    "t": ("temperature", -1),
    "T": ("temperature", 1),
    "k": ("top_k", -1),
    "K": ("top_k", 1),
    "p": ("top_p", -1),
    "P": ("top_p", 1),
}


def explore_at(terminal_input: Input, terminal_output: Output, explorer: Explorer, *, unicode: bool) -> None:
    """Let a person explore until they leave, and take the screen away; raises KeyboardInterrupt for Ctrl-C."""
    typed = Buffer(name="typed")

    def fragments() -> StyleAndTextTuples:
        size = terminal_output.get_size()
        surface = Surface(columns=size.columns, unicode=unicode, palette="none")
        typing = application.layout.has_focus(typed)
        rows, keys = (size.rows - 2, KEYS_OF_TYPING) if typing else (size.rows - 1, keys_of_looking(surface))
        parts: StyleAndTextTuples = []
        for line in draw(explorer.view, surface, rows, keys):
            parts += [*((f"class:{style}" if style else "", text) for style, text in line), ("", "\n")]
        return parts[:-1]

    screen = Window(
        FormattedTextControl(fragments, focusable=True, show_cursor=False),
        dont_extend_height=True,
        always_hide_cursor=True,
    )
    prompt = Window(FormattedTextControl(PROMPT), width=len(PROMPT), dont_extend_height=True)
    entry = Window(BufferControl(typed), dont_extend_height=True, wrap_lines=True)
    line = ConditionalContainer(VSplit([prompt, entry]), filter=has_focus(typed))
    application: Application[None] = Application(
        layout=Layout(HSplit([screen, line]), focused_element=screen),
        key_bindings=_bindings(explorer, typed, screen),
        style=STYLE,
        erase_when_done=True,
        input=terminal_input,
        output=terminal_output,
    )
    application.run()


def _bindings(explorer: Explorer, typed: Buffer, screen: Window) -> KeyBindings:
    """Return what each key does, while looking and while typing."""
    bindings = KeyBindings()
    looking = ~has_focus(typed)

    def on(*keys: str, do: Callable[[], None]) -> None:
        for key in keys:
            bindings.add(key, filter=looking)(_guarded(lambda event: do()))

    on("down", do=lambda: explorer.choose(1))
    on("up", do=lambda: explorer.choose(-1))
    on("pagedown", do=lambda: explorer.choose(PAGE))
    on("pageup", do=lambda: explorer.choose(-PAGE))
    on("enter", "right", do=explorer.take)
    on("backspace", "left", do=explorer.back)
    on("r", do=explorer.reset)
    for key, (knob, direction) in TURNS.items():
        on(key, do=partial(explorer.turn, knob, direction))
    bindings.add(Keys.BracketedPaste, filter=looking)(_guarded(lambda event: explorer.write(_unix(event.data))))
    bindings.add("i", filter=looking)(lambda event: event.app.layout.focus(typed))
    bindings.add("q", filter=looking)(lambda event: event.app.exit())
    bindings.add("c-d", filter=looking)(lambda event: event.app.exit())
    for key in ("c-c", Keys.SIGINT):
        bindings.add(key)(lambda event: event.app.exit(exception=KeyboardInterrupt))
    bindings.add("c-z")(lambda event: event.app.suspend_to_background())
    _bind_typing(bindings, explorer, typed, screen)
    return bindings


def _bind_typing(bindings: KeyBindings, explorer: Explorer, typed: Buffer, screen: Window) -> None:
    """Let Enter add what was typed, and Escape, or Backspace where nothing is typed, throw it away."""
    typing = has_focus(typed)

    def leave(event: KeyPressEvent) -> None:
        typed.reset()
        event.app.layout.focus(screen)

    def add(event: KeyPressEvent) -> None:
        text = typed.text
        leave(event)
        explorer.write(text)

    bindings.add("enter", filter=typing)(_guarded(add))
    bindings.add("escape", filter=typing, eager=True)(leave)
    bindings.add("backspace", filter=typing & Condition(lambda: not typed.text))(leave)


def _guarded(handle: Callable[[KeyPressEvent], None]) -> Callable[[KeyPressEvent], None]:
    """Let an error end the application: prompt_toolkit would print a traceback and wait for Enter."""

    def guarded(event: KeyPressEvent) -> None:
        try:
            handle(event)
        except Exception as error:
            event.app.exit(exception=error)

    return guarded


def _unix(pasted: str) -> str:
    """Return pasted text with line ends as they are in files; terminals send carriage returns."""
    return pasted.replace("\r\n", "\n").replace("\r", "\n")
