// Server-sent events, and the words within those of every dialect that streams.

export interface ServerEvent {
  name: string
  data: string
}

/** Cuts a stream into events, however its pieces fall. */
export class EventReader {
  private rest = ''

  push(piece: string): ServerEvent[] {
    const blocks = (this.rest + piece).split(/\r?\n\r?\n/)
    this.rest = blocks.pop() ?? ''
    return blocks.map(eventOf).filter((event) => event !== undefined)
  }
}

function eventOf(block: string): ServerEvent | undefined {
  let name = ''
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    else if (line.startsWith('event:')) name = line.slice(6).trim()
  }
  return data.length ? { name, data: data.join('\n') } : undefined
}

interface Chunk {
  type?: string
  delta?: string | { text?: string }
  choices?: { text?: string; delta?: { content?: string | null } }[]
  candidates?: { content?: { parts?: { text?: string; thought?: boolean }[] } }[]
}

/** The words that one event adds to the answer: of OpenAI's chat, responses, completions and transcripts, Anthropic's messages and Gemini. */
export function wordsIn(event: ServerEvent): string {
  let chunk: Chunk
  try {
    chunk = JSON.parse(event.data) as Chunk
  } catch {
    return '' // [DONE], or something that is not for reading
  }
  if (chunk === null || typeof chunk !== 'object') return ''
  const choice = chunk.choices?.[0]
  if (choice) return choice.delta?.content ?? choice.text ?? ''
  if (chunk.candidates) return (chunk.candidates[0]?.content?.parts ?? []).map((part) => (part.thought ? '' : (part.text ?? ''))).join('')
  if (typeof chunk.delta === 'string') return /output_text|transcript\.text/.test(chunk.type ?? '') ? chunk.delta : ''
  return chunk.type === 'content_block_delta' ? (chunk.delta?.text ?? '') : ''
}
