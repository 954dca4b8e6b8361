import { indent, jsonOf, lines, plainHeaders, type SampleRequest, singleQuoted } from '../request.ts'

export function renderRuby(request: SampleRequest): string {
  return lines(
    "require 'net/http'",
    '',
    `uri = URI(${singleQuoted(request.url)})`,
    `request = Net::HTTP::${request.method.charAt(0)}${request.method.slice(1).toLowerCase()}.new(uri)`,
    request.key && `request['Authorization'] = "Bearer #{ENV.fetch('${request.key}')}"`,
    plainHeaders(request).map(([name, value]) => `request[${singleQuoted(name)}] = ${singleQuoted(value)}`),
    request.body !== undefined && ["request.body = <<~'JSON'", indent(jsonOf(request), '  '), 'JSON'],
    partLines(request),
    '',
    "Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == 'https', read_timeout: 600) do |http|",
    answerLines(request).map((line) => `  ${line}`),
    'end',
  )
}

function partLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const given = parts.map(({ name, value, file }) =>
    file
      ? `  [${singleQuoted(name)}, File.open(${singleQuoted(file.name)}, 'rb'), { filename: ${singleQuoted(file.name)}, content_type: ${singleQuoted(file.type)} }],`
      : `  [${singleQuoted(name)}, ${singleQuoted(value)}],`,
  )
  return ['request.set_form([', ...given, "], 'multipart/form-data')"]
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs) return ['response = http.request(request)', 'response.value # raises unless it is 2xx', `File.binwrite(${singleQuoted(request.saveAs)}, response.body)`]
  if (!request.streams) return ['puts http.request(request).body']
  return ['http.request(request) do |response|', '  response.read_body do |piece|', '    print piece', '    $stdout.flush', '  end', 'end']
}
