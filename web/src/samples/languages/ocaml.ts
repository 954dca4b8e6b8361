import { BOUNDARY, FORM_END, jsonOf, lines, partHead, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderOcaml(request: SampleRequest): string {
  const body = request.parts || request.body !== undefined ? ' ~body:(Cohttp_lwt.Body.of_string body)' : ''
  const headers = [
    ...(request.key ? [`("Authorization", "Bearer " ^ Sys.getenv "${request.key}");`] : []),
    ...(request.parts ? [`("Content-Type", ${quoted(`multipart/form-data; boundary=${BOUNDARY}`)});`] : []),
    ...plainHeaders(request).map(([name, value]) => `(${quoted(name)}, ${quoted(value)});`),
  ]
  return lines(
    'open Lwt.Syntax',
    '',
    request.body !== undefined && [`let body = ${rawString(jsonOf(request))}`, ''],
    formLines(request),
    'let () =',
    '  Lwt_main.run',
    '    (let headers =',
    '       Cohttp.Header.of_list',
    '         [',
    headers.map((line) => `           ${line}`),
    '         ]',
    '     in',
    `     let uri = Uri.of_string ${quoted(request.url)} in`,
    `     let* _response, answer =`,
    `       Cohttp_lwt_unix.Client.call ~headers${body} \`${request.method} uri`,
    '     in',
    answerLines(request).map((line) => `     ${line}`),
  )
}

function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const pieces = parts.flatMap((part) => (part.file ? [quoted(partHead(part)), `read ${quoted(part.file.name)}`, quoted('\r\n')] : [quoted(`${partHead(part)}${part.value}\r\n`)]))
  return [
    ...(parts.some((part) => part.file) ? ['let read name = In_channel.with_open_bin name In_channel.input_all', ''] : []),
    'let body =',
    '  String.concat ""',
    '    [',
    ...[...pieces, quoted(FORM_END)].map((piece) => `      ${piece};`),
    '    ]',
    '',
  ]
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs)
    return ['let* data = Cohttp_lwt.Body.to_string answer in', `Lwt_io.with_file ~mode:Lwt_io.Output ${quoted(request.saveAs)} (fun file -> Lwt_io.write file data))`]
  if (!request.streams) return ['let* text = Cohttp_lwt.Body.to_string answer in', 'Lwt_io.printl text)']
  return [
    'Lwt_stream.iter_s',
    '  (fun piece ->',
    '    let* () = Lwt_io.print piece in',
    '    Lwt_io.flush Lwt_io.stdout)',
    '  (Cohttp_lwt.Body.to_stream answer))',
  ]
}

/** A quoted string ends with its own name, which the text must not hold. */
function rawString(text: string): string {
  let name = 'json'
  while (text.includes(`|${name}}`)) name += '_'
  return `{${name}|${text}|${name}}`
}
