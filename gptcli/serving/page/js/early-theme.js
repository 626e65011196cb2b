// Set the chosen colours before anything is painted; a classic script, so that the page waits for it.
try {
  const chosen = localStorage.getItem("gptcli-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden here: the system's colours are right.
}
