const WORDS: Record<number, string> = {
  200: 'Success', 201: 'Created', 202: 'Accepted', 204: 'No content', 301: 'Moved', 302: 'Found', 304: 'Not modified', 307: 'Redirect',
  400: 'Bad request', 401: 'Unauthorized', 402: 'Payment required', 403: 'Forbidden', 404: 'Not found', 405: 'Method not allowed',
  409: 'Conflict', 410: 'Gone', 413: 'Too large', 415: 'Unsupported type', 422: 'Unprocessable', 429: 'Too many requests',
  500: 'Server error', 501: 'Not implemented', 502: 'Bad gateway', 503: 'Unavailable', 504: 'Timed out', 524: 'Timed out', 529: 'Overloaded',
}

/** A status in a word or two. */
export function wordOf(status: number): string {
  return WORDS[status] ?? ''
}
