// Colours for code. The highlighter and its languages are one chunk, loaded with the first piece of code.
import highlighter from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import c from 'highlight.js/lib/languages/c'
import csharp from 'highlight.js/lib/languages/csharp'
import dart from 'highlight.js/lib/languages/dart'
import go from 'highlight.js/lib/languages/go'
import http from 'highlight.js/lib/languages/http'
import java from 'highlight.js/lib/languages/java'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import objectivec from 'highlight.js/lib/languages/objectivec'
import ocaml from 'highlight.js/lib/languages/ocaml'
import php from 'highlight.js/lib/languages/php'
import python from 'highlight.js/lib/languages/python'
import r from 'highlight.js/lib/languages/r'
import ruby from 'highlight.js/lib/languages/ruby'
import swift from 'highlight.js/lib/languages/swift'

const LANGUAGES = { bash, c, csharp, dart, go, http, java, javascript, json, objectivec, ocaml, php, python, r, ruby, swift }
const MAX_CHARS = 60_000 // longer answers stay plain: colouring them would stop the page

for (const [name, language] of Object.entries(LANGUAGES)) highlighter.registerLanguage(name, language)
highlighter.registerAliases(['sh', 'shell', 'console'], { languageName: 'bash' })
highlighter.registerAliases(['js', 'ts', 'typescript'], { languageName: 'javascript' })
highlighter.registerAliases(['py'], { languageName: 'python' })

/** The code as HTML with everything escaped, or undefined where there is nothing to colour. */
export function highlight(code: string, language: string): string | undefined {
  if (code.length > MAX_CHARS || !highlighter.getLanguage(language)) return undefined
  return highlighter.highlight(code, { language, ignoreIllegals: true }).value
}
