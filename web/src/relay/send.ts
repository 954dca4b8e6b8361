// Calls of the gateway's own endpoints with an API key, as any program would make them: the "try it" of the docs and the playground.
import { EventReader, type ServerEvent } from './events'

export interface Outgoing {
  method: string
  /** With its query; on this origin. */
  path: string
  headers?: Record<string, string>
  key?: string
  body?: string | FormData
}

export type Answer = {
  status: number
  /** Those that tell a reader something, in order. */
  headers: [string, string][]
  /** Until the first byte of the answer, and until the last. */
  firstByteMs: number
  totalMs: number
  contentType: string
} & ({ kind: 'json'; json: unknown; text: string } | { kind: 'text' | 'events'; text: string } | { kind: 'file'; url: string; sizeBytes: number })

const SHOWN_HEADERS = /^(content-type|content-length|retry-after|idempotent-replayed|modelgate-.*|x-request-id|x-ratelimit-.*|x-should-retry)$/
const MAX_TEXT_CHARS = 4_000_000

export interface Watcher {
  /** The status and headers are here, the body is still to come. */
  onHead?: (status: number) => void
  onEvent?: (event: ServerEvent) => void
}

/** Send it and return the whole answer, whatever its status. A `file` answer's url is an object URL: revoke it when it is no longer shown. */
export async function send(outgoing: Outgoing, { signal, ...watcher }: Watcher & { signal: AbortSignal }): Promise<Answer> {
  const began = performance.now()
  const answer = await fetch(outgoing.path, {
    method: outgoing.method,
    credentials: outgoing.key ? 'omit' : 'same-origin', // a call with a key is not the member's who is signed in to the console
    headers: { ...outgoing.headers, ...(outgoing.key ? { authorization: `Bearer ${outgoing.key}` } : {}) },
    body: outgoing.body,
    signal,
  })
  const contentType = (answer.headers.get('content-type') ?? '').split(';')[0]!.trim()
  const head = {
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => SHOWN_HEADERS.test(name)),
    firstByteMs: performance.now() - began,
    contentType,
  }
  watcher.onHead?.(answer.status)
  if (contentType === 'text/event-stream') {
    const text = await readEvents(answer, watcher)
    return { ...head, kind: 'events', text, totalMs: performance.now() - began }
  }
  if (/^(audio|image|video)\/|octet-stream$/.test(contentType)) {
    const blob = await answer.blob()
    return { ...head, kind: 'file', url: URL.createObjectURL(blob), sizeBytes: blob.size, totalMs: performance.now() - began }
  }
  const text = await answer.text()
  const totalMs = performance.now() - began
  try {
    return { ...head, kind: 'json', json: JSON.parse(text), text, totalMs }
  } catch {
    return { ...head, kind: 'text', text, totalMs }
  }
}

async function readEvents(answer: Response, { onEvent }: Watcher): Promise<string> {
  const reader = new EventReader()
  let text = ''
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
    if (text.length < MAX_TEXT_CHARS) text += piece
    for (const event of reader.push(piece)) onEvent?.(event)
  }
  return text
}

/** The sentence in an error body of any dialect, or undefined. */
export function errorIn(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const body = json as { error?: unknown; message?: unknown; description?: unknown; detail?: unknown }
  const error = body.error as { message?: unknown } | string | undefined
  const told = (typeof error === 'object' ? error?.message : error) ?? body.message ?? body.description ?? body.detail
  return typeof told === 'string' ? told : undefined
}
