import { jsonOf, lines, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderDart(request: SampleRequest): string {
  const files = request.parts?.filter((part) => part.file) ?? []
  const values = request.parts?.filter((part) => !part.file) ?? []
  // The fields are a map: a name that comes twice is added as a part without a file's name.
  const repeated = values.filter(({ name }, index) => values.findIndex((other) => other.name === name) < index)
  const kind = request.parts ? 'MultipartRequest' : 'Request'
  const headers = [
    ...(request.key ? [`..headers['Authorization'] = 'Bearer \${Platform.environment['${request.key}']}'`] : []),
    ...plainHeaders(request).map(([name, value]) => `..headers[${dartQuoted(name)}] = ${dartQuoted(value)}`),
    ...values.filter((part) => !repeated.includes(part)).map(({ name, value }) => `..fields[${dartQuoted(name)}] = ${dartQuoted(value)}`),
  ]
  return lines(
    "import 'dart:io';",
    '',
    "import 'package:http/http.dart' as http;",
    files.length > 0 && "import 'package:http_parser/http_parser.dart';",
    '',
    'Future<void> main() async {',
    `  final request = http.${kind}(${dartQuoted(request.method)}, Uri.parse(${dartQuoted(request.url)}))`,
    headers.map((line, index) => `    ${line}${index === headers.length - 1 && request.body === undefined ? ';' : ''}`),
    // In a raw string nothing is special; JSON never holds three quotes in a row.
    request.body !== undefined && ['    ..body = r"""', jsonOf(request), '""";'],
    headers.length === 0 && request.body === undefined && '    ;',
    repeated.map(({ name, value }) => `  request.files.add(http.MultipartFile.fromString(${dartQuoted(name)}, ${dartQuoted(value)}));`),
    files.map(
      ({ name, file }) =>
        `  request.files.add(await http.MultipartFile.fromPath(${dartQuoted(name)}, ${dartQuoted(file!.name)}, contentType: MediaType.parse(${dartQuoted(file!.type)})));`,
    ),
    '',
    '  final response = await request.send();',
    request.saveAs ? `  await response.stream.pipe(File(${dartQuoted(request.saveAs)}).openWrite());` : '  await stdout.addStream(response.stream);',
    '}',
  )
}

/** A dollar sign begins an expression. */
function dartQuoted(text: string): string {
  return `'${quoted(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'").replaceAll('$', '\\$')}'`
}
