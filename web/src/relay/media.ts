// Pictures, sounds and videos within an answer, to be shown beside its JSON.

export interface Media {
  kind: 'image' | 'audio' | 'video'
  url: string
}

const MAX_MEDIA = 24
const MAX_DEPTH = 12
const KINDS: Record<string, Media['kind']> = {
  png: 'image', jpg: 'image', jpeg: 'image', webp: 'image', gif: 'image', mp3: 'audio', wav: 'audio', ogg: 'audio', flac: 'audio', mp4: 'video', webm: 'video',
}

interface Piece {
  b64_json?: unknown
  data?: unknown
  mimeType?: unknown
  mime_type?: unknown
  transcript?: unknown
}

/** What a page of this origin may show: base64 of any dialect, and addresses of this installation's files. Object URLs are the caller's to revoke. */
export function mediaIn(json: unknown): Media[] {
  const found: Media[] = []
  visit(json, 0)
  return found

  function visit(value: unknown, depth: number): void {
    if (found.length >= MAX_MEDIA || depth > MAX_DEPTH) return
    if (typeof value === 'string') return addAddress(value)
    if (typeof value !== 'object' || value === null) return
    const piece = value as Piece
    if (typeof piece.b64_json === 'string') return add('image', piece.b64_json, 'image/png')
    const type = piece.mimeType ?? piece.mime_type
    if (typeof piece.data === 'string' && typeof type === 'string') return add(kindOfType(type), piece.data, type)
    if (typeof piece.data === 'string' && piece.data.length > 100 && 'transcript' in piece) return add('audio', piece.data, 'audio/wav')
    for (const within of Object.values(value)) visit(within, depth + 1)
  }

  function addAddress(text: string): void {
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return
    const url = new URL(text)
    const kind = KINDS[url.pathname.split('.').pop()?.toLowerCase() ?? '']
    if (kind && url.pathname.includes('/files/') && !found.some((known) => known.url === text)) found.push({ kind, url: text })
  }

  function add(kind: Media['kind'] | undefined, base64: string, type: string): void {
    const url = kind && objectUrl(base64, type)
    if (kind && url) found.push({ kind, url })
  }
}

function kindOfType(type: string): Media['kind'] | undefined {
  return (['image', 'audio', 'video'] as const).find((kind) => type.startsWith(`${kind}/`))
}

function objectUrl(base64: string, type: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    return URL.createObjectURL(new Blob([isRawSound(type) ? withWavHead(bytes, type) : bytes], { type: isRawSound(type) ? 'audio/wav' : type }))
  } catch {
    return undefined // not base64 after all
  }
}

/** Gemini speaks in bare samples, `audio/L16;codec=pcm;rate=24000`, which no browser plays. */
function isRawSound(type: string): boolean {
  return /^audio\/(l16|pcm)/i.test(type)
}

function withWavHead(samples: Uint8Array<ArrayBuffer>, type: string): Uint8Array<ArrayBuffer> {
  const rate = Number(/rate=(\d+)/.exec(type)?.[1] ?? 24000)
  const whole = new Uint8Array(44 + samples.length)
  const head = new DataView(whole.buffer)
  const word = (at: number, text: string) => whole.set(new TextEncoder().encode(text), at)
  word(0, 'RIFF')
  head.setUint32(4, 36 + samples.length, true)
  word(8, 'WAVEfmt ')
  head.setUint32(16, 16, true)
  head.setUint16(20, 1, true) // whole numbers
  head.setUint16(22, 1, true) // one channel
  head.setUint32(24, rate, true)
  head.setUint32(28, rate * 2, true)
  head.setUint16(32, 2, true)
  head.setUint16(34, 16, true)
  word(36, 'data')
  head.setUint32(40, samples.length, true)
  whole.set(samples, 44)
  return whole
}

/** The address as it is here: the files are behind the same door whatever name the reader came by. */
export function onThisOrigin(url: string): string {
  const known = URL.canParse(url) ? new URL(url) : undefined
  return known?.pathname.startsWith('/files/') ? known.pathname + known.search : url
}
