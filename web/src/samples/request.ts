// What every sample program sends. A program takes the key from an environment variable, and files from the folder it runs in.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

export interface SampleRequest {
  method: string
  /** Whole, with its query. */
  url: string
  /** Beside the key and the content type. */
  headers: [string, string][]
  /** The environment variable that holds the key, see KEYS; without one no key is sent. */
  key?: string
  /** Sent as JSON. Not together with `parts`. */
  body?: Json
  /** Sent as a form with files. */
  parts?: SamplePart[]
  /** The answer comes in pieces, printed as they come. */
  streams: boolean
  /** The answer is a file, kept under this name. */
  saveAs?: string
}

export interface SamplePart {
  name: string
  value: string
  file?: { name: string; type: string } | null
}

/** The variables of a key for models, and of one for the account API. */
export const KEYS = { key: 'MODELGATE_KEY', access_key: 'MODELGATE_ACCESS_KEY' } as const
export const BOUNDARY = '----modelgate-form'

export function jsonOf(request: SampleRequest): string {
  return JSON.stringify(request.body, null, 2)
}

/** The headers that are the same in every language: the content type (a form brings its own) and what the example adds. */
export function plainHeaders(request: SampleRequest): [string, string][] {
  return [...(request.body === undefined ? [] : [['Content-Type', 'application/json'] as [string, string]]), ...request.headers]
}

/** The lines that are there, in one text; a list within is so many lines. */
export function lines(...all: (string | false | undefined | string[])[]): string {
  return all
    .flat()
    .filter((line): line is string => typeof line === 'string')
    .join('\n')
}

/** Lines end with \n alone: for the `m` flag U+2028, which JSON holds as it is, ends one too. */
export function indent(text: string, by: string): string {
  return text.replace(/(^|\n)(?=[^\n])/g, `$1${by}`)
}

/** In double quotes, escaped as C, Java, Go, JavaScript, C#, Objective-C, Swift, OCaml, Python and R read it. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}

/** In single quotes, as PHP and Ruby read them: nothing inside is special but a quote and a backslash. */
export function singleQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

/** The lines before the content of a part of a form, for languages without forms of their own. */
export function partHead(part: SamplePart): string {
  const name = part.name.replaceAll('"', '%22')
  const file = part.file ? `; filename="${part.file.name.replaceAll('"', '%22')}"\r\nContent-Type: ${part.file.type}` : ''
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`
}

export const FORM_END = `--${BOUNDARY}--\r\n`
