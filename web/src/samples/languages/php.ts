import { BOUNDARY, FORM_END, indent, jsonOf, lines, partHead, plainHeaders, type SamplePart, type SampleRequest, singleQuoted } from '../request.ts'

export function renderPhp(request: SampleRequest): string {
  const headers = [
    ...(request.key ? [`'Authorization: Bearer ' . getenv('${request.key}'),`] : []),
    ...(repeats(request.parts) ? [`'Content-Type: multipart/form-data; boundary=${BOUNDARY}',`] : []),
    ...plainHeaders(request).map(([name, value]) => `${singleQuoted(`${name}: ${value}`)},`),
  ]
  return lines(
    '<?php',
    '',
    request.saveAs && `$file = fopen(${singleQuoted(request.saveAs)}, 'wb');`,
    `$curl = curl_init(${singleQuoted(request.url)});`,
    'curl_setopt_array($curl, [',
    `    CURLOPT_CUSTOMREQUEST => ${singleQuoted(request.method)},`,
    headers.length > 0 && ['    CURLOPT_HTTPHEADER => [', ...headers.map((line) => `        ${line}`), '    ],'],
    request.body !== undefined && ["    CURLOPT_POSTFIELDS => <<<'JSON'", indent(jsonOf(request), '        '), '        JSON,'],
    partLines(request),
    answerOption(request),
    ']);',
    'if (curl_exec($curl) === false) {',
    '    throw new RuntimeException(curl_error($curl));',
    '}',
  )
}

function partLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  if (repeats(parts)) return writtenParts(parts)
  const values = parts.map(({ name, value, file }) => {
    const given = file ? `new CURLFile(${[file.name, file.type, file.name].map(singleQuoted).join(', ')})` : singleQuoted(value)
    return `        ${singleQuoted(name)} => ${given},`
  })
  return ['    CURLOPT_POSTFIELDS => [', ...values, '    ],']
}

/** An array has each name once; a form may have one twice. */
function repeats(parts: SamplePart[] | undefined): boolean {
  return new Set(parts?.map((part) => part.name)).size < (parts?.length ?? 0)
}

function writtenParts(parts: SamplePart[]): string[] {
  const pieces = parts.flatMap((part) =>
    part.file ? [phpText(partHead(part)), `file_get_contents(${singleQuoted(part.file.name)})`, phpText('\r\n')] : [phpText(`${partHead(part)}${part.value}\r\n`)],
  )
  return ["    CURLOPT_POSTFIELDS => implode('', [", ...[...pieces, phpText(FORM_END)].map((piece) => `        ${piece},`), '    ]),']
}

function phpText(text: string): string {
  return `"${text.replace(/[\\"$]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n')}"`
}

function answerOption(request: SampleRequest): string[] {
  if (request.saveAs) return ['    CURLOPT_FAILONERROR => true,', '    CURLOPT_FILE => $file,']
  if (!request.streams) return []
  return [
    '    CURLOPT_WRITEFUNCTION => function ($curl, $piece) {',
    '        echo $piece;',
    '        flush();',
    '        return strlen($piece);',
    '    },',
  ]
}
