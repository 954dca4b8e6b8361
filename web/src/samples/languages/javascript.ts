import { indent, type Json, lines, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderJavascript(request: SampleRequest): string {
  const headers = [
    ...(request.key ? [`Authorization: \`Bearer \${process.env.${request.key}}\`,`] : []),
    ...plainHeaders(request).map(([name, value]) => `${literalKey(name)}: ${quoted(value)},`),
  ]
  const body = request.parts ? 'form' : request.body !== undefined ? `JSON.stringify(${literal(request.body)})` : undefined
  return lines(
    imports(request),
    formLines(request),
    `const response = await fetch(${quoted(request.url)}, {`,
    `  method: ${quoted(request.method)},`,
    headers.length > 0 && ['  headers: {', ...headers.map((line) => `    ${line}`), '  },'],
    body && `  body: ${indent(body, '  ').trimStart()},`,
    '})',
    answerLines(request),
  )
}

function imports(request: SampleRequest): string[] {
  const found = [
    ...(request.parts?.some((part) => part.file) ? ["import { openAsBlob } from 'node:fs'"] : []),
    ...(request.saveAs ? ["import { writeFile } from 'node:fs/promises'"] : []),
  ]
  return found.length ? [...found, ''] : []
}

function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const appended = parts.map(({ name, value, file }) =>
    file
      ? `form.append(${quoted(name)}, await openAsBlob(${quoted(file.name)}, { type: ${quoted(file.type)} }), ${quoted(file.name)})`
      : `form.append(${quoted(name)}, ${quoted(value)})`,
  )
  return ['const form = new FormData()', ...appended, '']
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs)
    return ['if (!response.ok) throw new Error(await response.text())', `await writeFile(${quoted(request.saveAs)}, Buffer.from(await response.arrayBuffer()))`]
  if (request.streams) return ['for await (const text of response.body.pipeThrough(new TextDecoderStream())) process.stdout.write(text)']
  return ['console.log(await response.text())']
}

function literalKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

/** JSON as JavaScript is written: names without quotes where they need none. */
function literal(value: Json): string {
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => `${indent(literal(one), '  ')},`).join('\n')}\n]` : '[]'
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value)
  return entries.length ? `{\n${entries.map(([name, one]) => `${indent(`${literalKey(name)}: ${literal(one)}`, '  ')},`).join('\n')}\n}` : '{}'
}
