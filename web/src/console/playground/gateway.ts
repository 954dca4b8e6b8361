// Calls of the gateway itself, as any client with a key makes them.
import { ApiError } from '../../api/client'
import type { Book } from '../types'
import { dropSecret, secretOf } from './key'

interface ErrorBody {
  error?: { message?: string; code?: string | null; param?: string | null }
}

/** Send a request with the playground's key and return the answer, its body unread. Throws ApiError unless it is 2xx. */
export async function send(book: Book, method: string, path: string, { body, signal }: { body?: unknown; signal?: AbortSignal } = {}): Promise<Response> {
  const answer = await fetch(path, {
    method,
    credentials: 'omit',
    headers: { authorization: `Bearer ${await secretOf(book)}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  })
  if (answer.ok) return answer
  if (answer.status === 401) dropSecret(book)
  throw await errorOf(answer)
}

export async function sendJson<T>(book: Book, method: string, path: string, options: { body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  return (await (await send(book, method, path, options)).json()) as T
}

async function errorOf(answer: Response): Promise<ApiError> {
  let told: ErrorBody['error']
  try {
    told = ((await answer.json()) as ErrorBody).error
  } catch {
    told = undefined // a proxy's page, or nothing
  }
  const message = told?.message ?? `The server answered ${answer.status}`
  return new ApiError(message, answer.status, told?.code ?? null, told?.param ?? null, answer.headers.get('x-request-id'), null)
}

/** The data of each server-sent event, as they come; comments and other fields are passed over. */
export async function* eventsOf(answer: Response): AsyncGenerator<string> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!reader) return
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += value ?? ''
      const frames = rest.split(/\r?\n\r?\n/)
      rest = done ? '' : (frames.pop() ?? '')
      for (const frame of frames) {
        const data = frame.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart())
        if (data.length) yield data.join('\n')
      }
      if (done) return
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
