// Calls of this installation's own API. The session's cookie goes along by itself, as everything is on one origin.

const TIMEOUT_MS = 60_000

/** A value of a query: nothing is sent for undefined, null and the empty string. */
export type Query = Record<string, string | number | boolean | null | undefined>

export interface CallOptions {
  query?: Query
  body?: unknown
  /** Aborts the call; the promise is then rejected with an AbortError, see `wasAborted`. */
  signal?: AbortSignal
}

/** What the API answered instead of 2xx, in the words of its error body. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    message: string,
    readonly status: number,
    readonly code: string | null,
    readonly param: string | null,
    readonly requestId: string | null,
    readonly retryAfterS: number | null,
  ) {
    super(message)
  }
}

interface ErrorBody {
  error?: { message?: string; code?: string | null; param?: string | null }
}

/** The path with its query: for links that the browser follows itself, such as a CSV. */
export function apiUrl(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

/** Send one call and return its decoded answer (undefined for an empty one). Throws ApiError, an AbortError, or TypeError when nobody answers. */
export async function call<T>(method: string, path: string, { query, body, signal }: CallOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const answer = await fetch(apiUrl(path, query), {
    method,
    credentials: 'same-origin',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  })
  const text = await answer.text()
  if (!answer.ok) {
    const error = errorOf(answer, text)
    if (error.status === 401) signedOut?.(error)
    throw error
  }
  return (text ? JSON.parse(text) : undefined) as T
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>('GET', path, { query, signal }),
  post: <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>('POST', path, { body, signal }),
  put: <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>('PUT', path, { body, signal }),
  patch: <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>('PATCH', path, { body, signal }),
  delete: <T = void>(path: string, signal?: AbortSignal) => call<T>('DELETE', path, { signal }),
}

let signedOut: ((error: ApiError) => void) | undefined

/** Tell `react` of every 401, whoever called: the session has ended. */
export function onSignedOut(react: (error: ApiError) => void): void {
  signedOut = react
}

/** Whether the call was ended by its own caller: nothing to show. */
export function wasAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** A sentence for the reader about whatever went wrong. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'The server took too long to answer. Try again.'
  if (error instanceof TypeError) return 'The server cannot be reached. Check that it runs and that you are online.'
  return error instanceof Error ? error.message : String(error)
}

function errorOf(answer: Response, text: string): ApiError {
  let told: ErrorBody['error']
  try {
    told = (JSON.parse(text) as ErrorBody | null)?.error
  } catch {
    told = undefined // a proxy's page, or nothing
  }
  const wait = Number(answer.headers.get('retry-after') ?? NaN)
  return new ApiError(
    told?.message ?? `The server answered ${answer.status} ${answer.statusText}`.trim(),
    answer.status,
    told?.code ?? null,
    told?.param ?? null,
    answer.headers.get('x-request-id'),
    Number.isFinite(wait) ? wait : null,
  )
}
