import { indent, type Json, lines, quoted, type SamplePart, type SampleRequest } from '../request.ts'

export function renderPython(request: SampleRequest): string {
  const headers = [
    ...(request.key ? [`"Authorization": f"Bearer {os.environ['${request.key}']}",`] : []),
    ...request.headers.map(([name, value]) => `${quoted(name)}: ${quoted(value)},`),
  ]
  return lines(
    request.key && 'import os',
    request.key && '',
    'import requests',
    '',
    'response = requests.request(',
    `    ${quoted(request.method)},`,
    `    ${quoted(request.url)},`,
    headers.length > 0 && ['    headers={', ...headers.map((line) => `        ${line}`), '    },'],
    request.body !== undefined && `    json=${indent(literal(request.body), '    ').trimStart()},`,
    request.parts && ['    files=[', ...request.parts.map((part) => `        (${quoted(part.name)}, ${partValue(part)}),`), '    ],'],
    request.streams && '    stream=True,',
    '    timeout=600,',
    ')',
    answerLines(request),
  )
}

/** Without a name of a file it is a plain value; the form is one with parts either way. */
function partValue({ value, file }: SamplePart): string {
  return file ? `(${quoted(file.name)}, open(${quoted(file.name)}, "rb"), ${quoted(file.type)})` : `(None, ${quoted(value)})`
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs) return ['response.raise_for_status()', `with open(${quoted(request.saveAs)}, "wb") as file:`, '    file.write(response.content)']
  if (request.streams) return ['for line in response.iter_lines():', '    print(line.decode(), flush=True)']
  return ['print(response.text)']
}

function literal(value: Json): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const within = Array.isArray(value) ? value.map(literal) : Object.entries(value).map(([name, one]) => `${quoted(name)}: ${literal(one)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return within.length ? `${open}\n${within.map((one) => `${indent(one, '    ')},`).join('\n')}\n${close}` : open + close
}
