// Before the first paint, so that a chosen theme does not flash in after the system's. The policy allows no inline script.
try {
  const chosen = localStorage.getItem('modelgate-theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // No storage allowed: the system's theme it is.
}
