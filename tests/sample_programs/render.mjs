// Makes sample programs: reads a list of {language, example, answer, endpoint, baseUrl}, writes the list of their texts. `language` null: in all of them.
import { text } from 'node:stream/consumers'

import { requestOf } from '../../web/src/docs/request.ts'
import { LANGUAGES, renderSample } from '../../web/src/samples/index.ts'

const asked = JSON.parse(await text(process.stdin))
const made = asked.map(({ language, example, answer, endpoint, baseUrl }) => {
  const request = requestOf(example, { answer, endpoint, baseUrl })
  if (language) return renderSample(language, request)
  return Object.fromEntries(LANGUAGES.map(({ id }) => [id, renderSample(id, request)]))
})
process.stdout.write(JSON.stringify(made))
