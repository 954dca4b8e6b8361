import type { Task, TaskState } from './types'

const ENDED: readonly TaskState[] = ['succeeded', 'failed', 'canceled', 'expired']
const TONES: Record<TaskState, 'neutral' | 'good' | 'bad' | 'warn' | 'info'> = {
  queued: 'info', submitting: 'info', unknown: 'warn', running: 'info', waiting_input: 'warn', succeeded: 'good', failed: 'bad', canceled: 'neutral', expired: 'bad',
}
const WORDS: Partial<Record<TaskState, string>> = { waiting_input: 'waits for input', unknown: 'being looked for' }

export const hasEnded = (state: TaskState): boolean => ENDED.includes(state)
export const toneOf = (state: TaskState): (typeof TONES)[TaskState] => TONES[state]
export const wordOf = (state: TaskState): string => WORDS[state] ?? state
export const STATES = Object.keys(TONES) as TaskState[]

/** What to show of a task on its card: a video or a song before pictures, which may only be their covers. */
export function firstOutput(task: Pick<Task, 'outputs'>): Task['outputs'][number] | undefined {
  for (const kind of ['video', 'image', 'audio', 'text']) {
    const found = task.outputs.find((output) => output.kind === kind && (output.url || output.text))
    if (found) return found
  }
  return undefined
}
