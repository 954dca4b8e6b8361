import { BOUNDARY, FORM_END, jsonOf, lines, partHead, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderSwift(request: SampleRequest): string {
  const headers: [string, string][] = [
    ...(request.parts ? [['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`] as [string, string]] : []),
    ...plainHeaders(request),
  ]
  return lines(
    'import Foundation',
    '',
    `var request = URLRequest(url: URL(string: ${swiftQuoted(request.url)})!, timeoutInterval: 600)`,
    `request.httpMethod = ${quoted(request.method)}`,
    request.key && [
      `let key = ProcessInfo.processInfo.environment["${request.key}"]!`,
      'request.setValue("Bearer \\(key)", forHTTPHeaderField: "Authorization")',
    ],
    headers.map(([name, value]) => `request.setValue(${swiftQuoted(value)}, forHTTPHeaderField: ${swiftQuoted(name)})`),
    // Between #""" and """# nothing is special; JSON never holds three quotes in a row.
    request.body !== undefined && ['request.httpBody = Data(#"""', jsonOf(request), '"""#.utf8)'],
    formLines(request),
    '',
    answerLines(request),
  )
}

function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const append = (text: string) => `form.append(Data(${swiftQuoted(text)}.utf8))`
  const each = parts.flatMap((part) =>
    part.file
      ? [append(partHead(part)), `form.append(try Data(contentsOf: URL(fileURLWithPath: ${swiftQuoted(part.file.name)})))`, append('\r\n')]
      : [append(`${partHead(part)}${part.value}\r\n`)],
  )
  return ['var form = Data()', ...each, append(FORM_END), 'request.httpBody = form']
}

function answerLines(request: SampleRequest): string[] {
  if (request.streams) return ['let (bytes, _) = try await URLSession.shared.bytes(for: request)', 'for try await line in bytes.lines {', '    print(line)', '}']
  const use = request.saveAs ? `try data.write(to: URL(fileURLWithPath: ${swiftQuoted(request.saveAs)}))` : 'print(String(decoding: data, as: UTF8.self))'
  return ['let (data, _) = try await URLSession.shared.data(for: request)', use]
}

/** Swift writes code points in braces. */
function swiftQuoted(text: string): string {
  return quoted(text).replace(/\\u([0-9a-f]{4})/g, '\\u{$1}')
}
