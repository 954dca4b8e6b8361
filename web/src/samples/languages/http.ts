import { BOUNDARY, jsonOf, lines, partHead, plainHeaders, type SampleRequest } from '../request.ts'

export function renderHttp(request: SampleRequest): string {
  const url = new URL(request.url)
  const body = request.body !== undefined ? jsonOf(request) : undefined
  return lines(
    `${request.method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    request.key && 'Authorization: Bearer YOUR_API_KEY',
    request.parts && `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    plainHeaders(request).map(([name, value]) => `${name}: ${value}`),
    body !== undefined && `Content-Length: ${new TextEncoder().encode(body).length}`,
    body !== undefined && ['', body],
    partLines(request),
  )
}

/** Files as editors with an HTTP client write them: a line with < and the name. */
function partLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const each = parts.flatMap((part) => [...partHead(part).trimEnd().split('\r\n'), '', part.file ? `< ./${part.file.name}` : part.value])
  return ['', ...each, `--${BOUNDARY}--`]
}
