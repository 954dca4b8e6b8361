import { indent, jsonOf, lines, quoted, type SampleRequest } from '../request.ts'

export function renderCsharp(request: SampleRequest): string {
  return lines(
    (request.key || request.parts?.some((part) => part.file)) && 'using System.Net.Http.Headers;',
    request.body !== undefined && 'using System.Text;',
    (request.key || request.body !== undefined || request.parts?.some((part) => part.file)) && '',
    'using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };',
    `using var request = new HttpRequestMessage(new HttpMethod(${quoted(request.method)}), ${quoted(request.url)});`,
    request.key &&
      `request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("${request.key}"));`,
    request.headers.map(([name, value]) => `request.Headers.Add(${quoted(name)}, ${quoted(value)});`),
    request.body !== undefined && ['request.Content = new StringContent("""', indent(jsonOf(request), '    '), '    """, Encoding.UTF8, "application/json");'],
    partLines(request),
    answerLines(request),
  )
}

function partLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const files = parts.filter((part) => part.file).length
  let at = 0
  const added = parts.flatMap(({ name, value, file }) => {
    if (!file) return [`form.Add(new StringContent(${quoted(value)}), ${quoted(name)});`]
    at += 1
    const variable = files > 1 ? `file${at}` : 'file'
    return [
      `var ${variable} = new StreamContent(File.OpenRead(${quoted(file.name)}));`,
      `${variable}.Headers.ContentType = new MediaTypeHeaderValue(${quoted(file.type)});`,
      `form.Add(${variable}, ${quoted(name)}, ${quoted(file.name)});`,
    ]
  })
  return ['var form = new MultipartFormDataContent();', ...added, 'request.Content = form;']
}

function answerLines(request: SampleRequest): string[] {
  if (request.saveAs)
    return [
      'using var response = await client.SendAsync(request);',
      'response.EnsureSuccessStatusCode();',
      `await File.WriteAllBytesAsync(${quoted(request.saveAs)}, await response.Content.ReadAsByteArrayAsync());`,
    ]
  if (request.streams)
    return [
      'using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);',
      'using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());',
      'while (await reader.ReadLineAsync() is { } line)',
      '    Console.WriteLine(line);',
    ]
  return ['using var response = await client.SendAsync(request);', 'Console.WriteLine(await response.Content.ReadAsStringAsync());']
}
