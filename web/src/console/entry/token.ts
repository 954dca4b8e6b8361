import { onMounted, onUnmounted, ref, type Ref } from 'vue'

// The secret of a one-time link stands after `#token=`: the part of an address that no server and no log ever sees.

/** The link's secret, also of a link that is opened where this page already was: then only the part behind `#` changes. */
export function useToken(): Ref<string> {
  const token = ref(takeToken())
  const look = (): void => {
    token.value = takeToken() || token.value
  }
  onMounted(() => window.addEventListener('hashchange', look))
  onUnmounted(() => window.removeEventListener('hashchange', look))
  return token
}

/** Return the link's secret and take it out of the address bar and the history. */
function takeToken(): string {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token') ?? ''
  if (token) window.history.replaceState(window.history.state, '', window.location.pathname)
  return token
}

/** Where to go after signing in: only a page of the console itself. */
export function pageAfter(next: unknown): string {
  return typeof next === 'string' && /^\/console(\/|\?|$)/.test(next) && !next.startsWith('/console/sign-in') ? next : '/console'
}
