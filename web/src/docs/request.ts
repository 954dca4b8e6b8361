// From a page's example to the request that the sample programs send.
import { KEYS, type SampleRequest } from '../samples/request.ts'
import type { Answer, Endpoint, Example } from './page.ts'

const EXTENSIONS: Record<string, string> = {
  'audio/mpeg': 'mp3', 'audio/wav': 'wav', 'audio/opus': 'opus', 'audio/flac': 'flac', 'audio/aac': 'aac',
  'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp', 'video/mp4': 'mp4', 'application/octet-stream': 'bin', 'text/csv': 'csv',
}

export function requestOf(example: Example, { answer, baseUrl, endpoint }: { answer: Answer; baseUrl: string; endpoint: Pick<Endpoint, 'key_kind'> }): SampleRequest {
  const query = new URLSearchParams(example.query).toString()
  const extension = answer.status < 400 ? EXTENSIONS[answer.content_type.split(';')[0]!] : undefined
  return {
    method: example.method,
    url: `${baseUrl.replace(/\/$/, '')}${example.path}${query ? `?${query}` : ''}`,
    headers: example.headers,
    key: endpoint.key_kind ? KEYS[endpoint.key_kind] : undefined,
    body: example.body === null ? undefined : example.body,
    parts: example.parts?.map((part) => ({ name: part.name, value: part.value ?? '', file: part.file && { name: part.file.filename, type: part.file.content_type } })) ?? undefined,
    streams: example.stream || answer.content_type.startsWith('text/event-stream'),
    saveAs: extension && `output.${extension}`,
  }
}
