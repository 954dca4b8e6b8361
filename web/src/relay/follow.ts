// A task from its start to its end: by its events, or where they do not come through (a proxy that collects them), by asking.
import { wasAborted } from '../api/client'
import { EventReader } from './events'
import { errorIn } from './send'

export interface TaskOutput {
  kind: string
  id: string | null
  url: string | null
  text: string | null
  content_type: string | null
  size_bytes: number | null
  duration_ms: number | null
}

export interface Task {
  id: string
  model: string
  operation: string
  state: string
  progress: number
  amount_usd: string
  outputs: TaskOutput[]
  error: { code: string | null; message: string } | null
}

const POLL_MS = 2000
const ENDED = new Set(['succeeded', 'failed', 'cancelled'])

export function hasEnded(task: Task): boolean {
  return ENDED.has(task.state)
}

/** Tell `onTask` of every change until the task has ended. Throws when it cannot be seen at all, or the signal ends it. */
export async function followTask(id: string, { key, signal, onTask }: { key: string; signal: AbortSignal; onTask: (task: Task) => void }): Promise<void> {
  const path = `/v1/tasks/${encodeURIComponent(id)}`
  const options: RequestInit = { headers: { authorization: `Bearer ${key}` }, credentials: 'omit', signal }
  let last: Task | undefined
  const tell = (task: Task) => onTask((last = task))
  try {
    const answer = await fetch(`${path}/events`, options)
    if (!answer.ok || !answer.body) throw new Error(await problemOf(answer))
    const reader = new EventReader()
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      for (const event of reader.push(piece)) if (event.name === 'task') tell(JSON.parse(event.data) as Task)
    }
  } catch (error) {
    if (wasAborted(error)) throw error
  }
  while (!last || !hasEnded(last)) {
    const answer = await fetch(path, options)
    if (!answer.ok) throw new Error(await problemOf(answer))
    tell((await answer.json()) as Task)
    if (last && !hasEnded(last)) await pause(signal)
  }
}

async function problemOf(answer: Response): Promise<string> {
  const body: unknown = await answer.json().catch(() => null)
  return errorIn(body) ?? `The server answered ${answer.status}.`
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, POLL_MS)
    signal.addEventListener('abort', () => (clearTimeout(timer), stop(new DOMException('Stopped', 'AbortError'))), { once: true })
  })
}

/** The value at a JSON pointer, or undefined. */
export function valueAt(json: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined), json)
}
