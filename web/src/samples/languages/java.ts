import { BOUNDARY, FORM_END, indent, jsonOf, lines, partHead, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderJava(request: SampleRequest): string {
  const body = request.parts
    ? 'HttpRequest.BodyPublishers.ofByteArray(form.toByteArray())'
    : request.body !== undefined
      ? 'HttpRequest.BodyPublishers.ofString(body)'
      : 'HttpRequest.BodyPublishers.noBody()'
  const headers = [
    ...(request.key ? [`.header("Authorization", "Bearer " + System.getenv("${request.key}"))`] : []),
    ...(request.parts ? [`.header("Content-Type", ${quoted(`multipart/form-data; boundary=${BOUNDARY}`)})`] : []),
    ...plainHeaders(request).map(([name, value]) => `.header(${quoted(name)}, ${quoted(value)})`),
  ]
  return lines(
    imports(request),
    '',
    'public class Main {',
    '    public static void main(String[] arguments) throws Exception {',
    request.body !== undefined && ['        String body = """', indent(textBlock(jsonOf(request)), '            '), '            """;'],
    formLines(request).map((line) => `        ${line}`),
    `        HttpRequest request = HttpRequest.newBuilder(URI.create(${quoted(request.url)}))`,
    headers.map((line) => `            ${line}`),
    `            .method(${quoted(request.method)}, ${body})`,
    '            .build();',
    answerLines(request).map((line) => `        ${line}`),
    '    }',
    '}',
  )
}

function imports(request: SampleRequest): string[] {
  const reads = request.parts?.some((part) => part.file)
  return [
    ...(request.parts ? ['java.io.ByteArrayOutputStream'] : []),
    'java.net.URI',
    'java.net.http.HttpClient',
    'java.net.http.HttpRequest',
    'java.net.http.HttpResponse',
    ...(request.parts ? ['java.nio.charset.StandardCharsets'] : []),
    ...(reads ? ['java.nio.file.Files'] : []),
    ...(reads || request.saveAs ? ['java.nio.file.Path'] : []),
    ...(request.streams && !request.saveAs ? ['java.util.stream.Stream'] : []),
  ].map((name) => `import ${name};`)
}

/** The JDK has no forms: the parts are written by hand. */
function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const written = parts.flatMap((part) =>
    part.file
      ? [textLine(partHead(part)), `form.write(Files.readAllBytes(Path.of(${quoted(part.file.name)})));`, textLine('\r\n')]
      : [textLine(`${partHead(part)}${part.value}\r\n`)],
  )
  return ['ByteArrayOutputStream form = new ByteArrayOutputStream();', ...written, textLine(FORM_END)]
}

function textLine(text: string): string {
  return `form.write(${quoted(text)}.getBytes(StandardCharsets.UTF_8));`
}

function answerLines(request: SampleRequest): string[] {
  const send = (type: string, handler: string) =>
    `HttpResponse<${type}> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.${handler});`
  if (request.saveAs) return [send('Path', `ofFile(Path.of(${quoted(request.saveAs)}))`), 'System.out.println(response.statusCode() + " " + response.body());']
  if (request.streams) return [send('Stream<String>', 'ofLines()'), 'response.body().forEach(System.out::println);']
  return [send('String', 'ofString()'), 'System.out.println(response.body());']
}

/** In a text block a backslash begins an escape. JSON never holds three quotes in a row. */
function textBlock(text: string): string {
  return text.replaceAll('\\', '\\\\')
}
