"""The routes, a file a kind: each has a `router`, and stands in ROUTERS.

F1: completions, chat. F2: the others, among them the page (GET / and /page/*, from gptcli/serving/page).
"""

from gptcli.serving.routes import completions

ROUTERS = (completions.router,)
