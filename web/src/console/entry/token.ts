// The secret of a one-time link stands after `#token=`: the part of an address that no server and no log ever sees.

/** Return the link's secret and take it out of the address bar and the history. */
export function takeToken(): string {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token') ?? ''
  if (token) window.history.replaceState(window.history.state, '', window.location.pathname)
  return token
}

/** Where to go after signing in: only a page of the console itself. */
export function pageAfter(next: unknown): string {
  return typeof next === 'string' && /^\/console(\/|\?|$)/.test(next) && !next.startsWith('/console/sign-in') ? next : '/console'
}
