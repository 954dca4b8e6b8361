import { jsonOf, lines, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderC(request: SampleRequest): string {
  return lines(
    '#include <stdio.h>',
    '#include <stdlib.h>',
    '#include <curl/curl.h>',
    '',
    'int main(void) {',
    request.key && [
      `    const char *key = getenv("${request.key}");`,
      '    char authorization[512];',
      '    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", key ? key : "");',
    ],
    request.body !== undefined && ['    const char *body =', `${literal(jsonOf(request))};`],
    '',
    '    CURL *curl = curl_easy_init();',
    '    struct curl_slist *headers = NULL;',
    request.key && '    headers = curl_slist_append(headers, authorization);',
    plainHeaders(request).map(([name, value]) => `    headers = curl_slist_append(headers, ${quoted(`${name}: ${value}`)});`),
    `    curl_easy_setopt(curl, CURLOPT_URL, ${quoted(request.url)});`,
    `    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ${quoted(request.method)});`,
    '    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);',
    request.body !== undefined && '    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);',
    partLines(request).map((line) => `    ${line}`),
    request.saveAs && [
      `    FILE *output = fopen(${quoted(request.saveAs)}, "wb");`,
      '    curl_easy_setopt(curl, CURLOPT_WRITEDATA, output);',
      '    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);',
    ],
    request.streams && '    setvbuf(stdout, NULL, _IONBF, 0); /* libcurl writes what comes to stdout: at once */',
    '',
    '    CURLcode result = curl_easy_perform(curl);',
    '    if (result != CURLE_OK)',
    '        fprintf(stderr, "%s\\n", curl_easy_strerror(result));',
    request.saveAs && '    fclose(output);',
    request.parts && '    curl_mime_free(form);',
    '    curl_slist_free_all(headers);',
    '    curl_easy_cleanup(curl);',
    '    return result != CURLE_OK;',
    '}',
  )
}

function partLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const each = parts.flatMap(({ name, value, file }) => [
    'part = curl_mime_addpart(form);',
    `curl_mime_name(part, ${quoted(name)});`,
    ...(file
      ? [`curl_mime_filedata(part, ${quoted(file.name)});`, `curl_mime_type(part, ${quoted(file.type)});`]
      : [`curl_mime_data(part, ${quoted(value)}, CURL_ZERO_TERMINATED);`]),
  ])
  return ['curl_mime *form = curl_mime_init(curl);', 'curl_mimepart *part;', ...each, 'curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);']
}

/** One string a line, which the compiler puts together. */
function literal(text: string): string {
  return text
    .split(/(?<=\n)/)
    .map((line) => `        ${quoted(line)}`)
    .join('\n')
}
