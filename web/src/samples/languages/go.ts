import { indent, jsonOf, lines, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderGo(request: SampleRequest): string {
  const body = request.parts ? '&form' : request.body !== undefined ? 'strings.NewReader(body)' : 'nil'
  return lines(
    'package main',
    '',
    'import (',
    imports(request).map((name) => `\t${quoted(name)}`),
    ')',
    '',
    'func main() {',
    request.body !== undefined && `\tbody := ${rawString(jsonOf(request))}`,
    indent(lines(formLines(request)), '\t') || undefined,
    `\trequest, err := http.NewRequest(${quoted(request.method)}, ${quoted(request.url)}, ${body})`,
    ...failure,
    request.key && `\trequest.Header.Set("Authorization", "Bearer "+os.Getenv("${request.key}"))`,
    request.parts && '\trequest.Header.Set("Content-Type", writer.FormDataContentType())',
    plainHeaders(request).map(([name, value]) => `\trequest.Header.Set(${quoted(name)}, ${quoted(value)})`),
    '',
    '\tresponse, err := http.DefaultClient.Do(request)',
    ...failure,
    '\tdefer response.Body.Close()',
    indent(lines(answerLines(request)), '\t'),
    '}',
  )
}

const failure = ['\tif err != nil {', '\t\tlog.Fatal(err)', '\t}']

function imports(request: SampleRequest): string[] {
  const reads = request.parts?.some((part) => part.file)
  return [
    ...(request.parts ? ['bytes'] : []),
    'io',
    'log',
    ...(request.parts ? ['mime/multipart'] : []),
    'net/http',
    ...(reads ? ['net/textproto'] : []),
    'os',
    ...(request.body !== undefined ? ['strings'] : []),
  ]
}

function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const written = parts.flatMap(({ name, value, file }) => {
    if (!file) return [`writer.WriteField(${quoted(name)}, ${quoted(value)})`]
    const disposition = `form-data; name="${name}"; filename="${file.name}"`
    return [
      'part, err := writer.CreatePart(textproto.MIMEHeader{',
      `\t"Content-Disposition": {${disposition.includes('`') ? quoted(disposition) : `\`${disposition}\``}},`,
      `\t"Content-Type":        {${quoted(file.type)}},`,
      '})',
      'if err != nil {',
      '\tlog.Fatal(err)',
      '}',
      `file, err := os.Open(${quoted(file.name)})`,
      'if err != nil {',
      '\tlog.Fatal(err)',
      '}',
      'io.Copy(part, file)',
    ]
  })
  const several = parts.filter((part) => part.file).length > 1
  return ['var form bytes.Buffer', 'writer := multipart.NewWriter(&form)', ...(several ? again(written) : written), 'writer.Close()', '']
}

/** The second file sets the variables that the first one declared. */
function again(written: string[]): string[] {
  const seen = new Set<string>()
  return written.map((line) => {
    const declared = /^(part|file), err := /.exec(line)?.[1]
    if (!declared) return line
    if (seen.has(declared)) return line.replace(':=', '=')
    seen.add(declared)
    return line
  })
}

function answerLines(request: SampleRequest): string[] {
  if (!request.saveAs) return ['io.Copy(os.Stdout, response.Body)']
  return [
    'if response.StatusCode != http.StatusOK {',
    '\tlog.Fatal(response.Status)',
    '}',
    `output, err := os.Create(${quoted(request.saveAs)})`,
    'if err != nil {',
    '\tlog.Fatal(err)',
    '}',
    'defer output.Close()',
    'io.Copy(output, response.Body)',
  ]
}

function rawString(text: string): string {
  return text.includes('`') ? quoted(text) : `\`${text}\``
}
