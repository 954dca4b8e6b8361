// A conversation with a chat model: what was said, and answers as they come in.
import { ApiError } from '../../api/client'
import type { Book } from '../types'
import { eventsOf, send } from './gateway'

export interface ToolCall {
  id: string
  name: string
  arguments: string
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
}

export interface Turn {
  id: number
  role: 'user' | 'assistant' | 'tool'
  text: string
  /** Pictures as data URLs. */
  images: string[]
  thoughts: string
  calls: ToolCall[]
  /** Of a tool's result: the call it answers. */
  callId?: string
  usage?: Usage
  finish?: string
  requestId?: string
  problem?: string
  code?: string | null
  isRunning?: boolean
}

export interface Options {
  model: string
  system: string
  temperature: number | null
  maxTokens: number | null
  tools: unknown[]
  streams: boolean
}

let last = 0
export const newTurn = (role: Turn['role'], given: Partial<Turn> = {}): Turn => ({ id: ++last, role, text: '', images: [], thoughts: '', calls: [], ...given })

/** The body of `POST /v1/chat/completions` for a conversation. */
export function bodyOf(turns: Turn[], options: Options): Record<string, unknown> {
  return {
    model: options.model,
    messages: [...(options.system.trim() ? [{ role: 'system', content: options.system }] : []), ...turns.filter((turn) => !turn.problem && !turn.isRunning).map(messageOf)],
    ...(options.temperature === null ? {} : { temperature: options.temperature }),
    ...(options.maxTokens === null ? {} : { max_tokens: options.maxTokens }),
    ...(options.tools.length ? { tools: options.tools } : {}),
    ...(options.streams ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
}

function messageOf(turn: Turn): Record<string, unknown> {
  if (turn.role === 'tool') return { role: 'tool', tool_call_id: turn.callId, content: turn.text }
  if (turn.role === 'assistant') {
    const calls = turn.calls.map(({ id, name, arguments: given }) => ({ id, type: 'function', function: { name, arguments: given } }))
    return { role: 'assistant', content: turn.text || null, ...(calls.length ? { tool_calls: calls } : {}) }
  }
  if (!turn.images.length) return { role: 'user', content: turn.text }
  return { role: 'user', content: [{ type: 'text', text: turn.text }, ...turn.images.map((url) => ({ type: 'image_url', image_url: { url } }))] }
}

interface Message {
  content?: string | null
  reasoning_content?: string | null
  tool_calls?: { index?: number; id?: string; function?: { name?: string; arguments?: string } }[]
}

interface Chunk {
  choices?: { delta?: Message; message?: Message; finish_reason?: string | null }[]
  usage?: Usage | null
  error?: { message?: string; code?: string | null }
}

/** Ask, and fill `turn` with the answer as it comes. Throws what `send` throws, and ApiError for a stream that ends in an error. */
export async function answerInto(turn: Turn, book: Book, body: unknown, signal: AbortSignal): Promise<void> {
  const answer = await send(book, 'POST', '/v1/chat/completions', { body, signal })
  turn.requestId = answer.headers.get('x-request-id') ?? undefined
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    for await (const data of eventsOf(answer)) if (data !== '[DONE]') take(turn, JSON.parse(data) as Chunk)
  } else take(turn, (await answer.json()) as Chunk)
}

function take(turn: Turn, chunk: Chunk): void {
  if (chunk.error) throw new ApiError(chunk.error.message ?? 'The stream broke off.', 502, chunk.error.code ?? null, null, turn.requestId ?? null, null)
  const choice = chunk.choices?.[0]
  const said = choice?.delta ?? choice?.message
  turn.text += said?.content ?? ''
  turn.thoughts += said?.reasoning_content ?? ''
  for (const [place, call] of (said?.tool_calls ?? []).entries()) {
    const known = (turn.calls[call.index ?? place] ??= { id: '', name: '', arguments: '' })
    known.id ||= call.id ?? ''
    known.name += call.function?.name ?? ''
    known.arguments += call.function?.arguments ?? ''
  }
  if (choice?.finish_reason) turn.finish = choice.finish_reason
  if (chunk.usage) turn.usage = chunk.usage
}
