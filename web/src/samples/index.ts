// A request as a program in fifteen languages. No library makes programs that take files, stream and save; these are tried by tests/sample_programs.
import { renderC } from './languages/c.ts'
import { renderCsharp } from './languages/csharp.ts'
import { renderDart } from './languages/dart.ts'
import { renderGo } from './languages/go.ts'
import { renderHttp } from './languages/http.ts'
import { renderJava } from './languages/java.ts'
import { renderJavascript } from './languages/javascript.ts'
import { renderObjectivec } from './languages/objectivec.ts'
import { renderOcaml } from './languages/ocaml.ts'
import { renderPhp } from './languages/php.ts'
import { renderPython } from './languages/python.ts'
import { renderR } from './languages/r.ts'
import { renderRuby } from './languages/ruby.ts'
import { renderShell } from './languages/shell.ts'
import { renderSwift } from './languages/swift.ts'
import type { SampleRequest } from './request.ts'

/** In the order of the tabs. `colours` is the highlighter's name, `uses` what the program needs, `render` makes it. */
export const LANGUAGES = [
  { id: 'shell', label: 'Shell', colours: 'bash', uses: 'curl', render: renderShell },
  { id: 'javascript', label: 'JavaScript', colours: 'javascript', uses: 'Node 20 or newer, fetch', render: renderJavascript },
  { id: 'java', label: 'Java', colours: 'java', uses: 'Java 17, java.net.http', render: renderJava },
  { id: 'swift', label: 'Swift', colours: 'swift', uses: 'Foundation', render: renderSwift },
  { id: 'go', label: 'Go', colours: 'go', uses: 'net/http', render: renderGo },
  { id: 'php', label: 'PHP', colours: 'php', uses: 'PHP 8, curl', render: renderPhp },
  { id: 'python', label: 'Python', colours: 'python', uses: 'requests', render: renderPython },
  { id: 'http', label: 'HTTP', colours: 'http', uses: 'The request as it is sent', render: renderHttp },
  { id: 'c', label: 'C', colours: 'c', uses: 'libcurl', render: renderC },
  { id: 'csharp', label: 'C#', colours: 'csharp', uses: '.NET 8, HttpClient', render: renderCsharp },
  { id: 'objectivec', label: 'Objective-C', colours: 'objectivec', uses: 'Foundation', render: renderObjectivec },
  { id: 'ruby', label: 'Ruby', colours: 'ruby', uses: 'net/http', render: renderRuby },
  { id: 'ocaml', label: 'OCaml', colours: 'ocaml', uses: 'cohttp-lwt-unix', render: renderOcaml },
  { id: 'dart', label: 'Dart', colours: 'dart', uses: 'package:http', render: renderDart },
  { id: 'r', label: 'R', colours: 'r', uses: 'httr2', render: renderR },
] as const

export type LanguageId = (typeof LANGUAGES)[number]['id']

export function renderSample(id: LanguageId, request: SampleRequest): string {
  return LANGUAGES.find((language) => language.id === id)!.render(request)
}
