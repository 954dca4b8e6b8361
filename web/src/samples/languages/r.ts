import { jsonOf, lines, quoted, type SampleRequest } from '../request.ts'

export function renderR(request: SampleRequest): string {
  const steps = [
    `request(${quoted(request.url)})`,
    `req_method(${quoted(request.method)})`,
    ...(request.key ? [`req_auth_bearer_token(Sys.getenv("${request.key}"))`] : []),
    ...request.headers.map(([name, value]) => `req_headers(${backticked(name)} = ${quoted(value)})`),
    ...(request.body !== undefined ? ['req_body_raw(body, type = "application/json")'] : []),
    ...(request.parts ? [`req_body_multipart(\n${partLines(request).join(',\n')}\n  )`] : []),
    'req_timeout(600)',
    ...(request.saveAs || request.streams ? [] : ['req_error(is_error = \\(response) FALSE)']),
    request.saveAs ? `req_perform(path = ${quoted(request.saveAs)})` : request.streams ? 'req_perform_connection()' : 'req_perform()',
  ]
  return lines(
    'library(httr2)',
    '',
    request.body !== undefined && [`body <- ${rawString(jsonOf(request))}`, ''],
    `response <- ${steps.join(' |>\n  ')}`,
    answerLines(request),
  )
}

function partLines({ parts }: SampleRequest): string[] {
  return (parts ?? []).map(({ name, value, file }) =>
    file ? `    ${backticked(name)} = curl::form_file(${quoted(file.name)}, type = ${quoted(file.type)})` : `    ${backticked(name)} = ${quoted(value)}`,
  )
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs) return []
  if (!request.streams) return ['cat(resp_body_string(response), "\\n")']
  return ['while (!resp_stream_is_complete(response)) {', '  cat(resp_stream_lines(response), sep = "\\n")', '}', 'close(response)']
}

function backticked(name: string): string {
  return /^[A-Za-z][\w.]*$/.test(name) ? name : `\`${name.replace(/[\\`]/g, '\\$&')}\``
}

/** A raw string ends with its own dashes, which the text must not hold. */
function rawString(text: string): string {
  let dashes = '---'
  while (text.includes(`)${dashes}"`)) dashes += '-'
  return `r"${dashes}(${text})${dashes}"`
}
