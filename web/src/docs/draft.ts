// What the reader is about to send from a page: its example, to be changed.
import type { Outgoing } from '../relay/send'
import type { Endpoint, Field } from './page'

export interface DraftValue {
  name: string
  value: string
  note: string
  required: boolean
  /** The example goes without it. */
  optional: boolean
}

export interface DraftPart {
  name: string
  value: string
  /** A part holds words or a file; the reader may send the other. */
  asFile: boolean
  file: File | null
}

export interface Draft {
  path: DraftValue[]
  query: DraftValue[]
  headers: DraftValue[]
  body: string | null
  parts: DraftPart[] | null
}

const PARAMETER = /\{([a-z_]+)\}/g

export function draftOf(endpoint: Endpoint): Draft {
  const { example, parameters } = endpoint
  return {
    path: pathValues(endpoint).map(([name, value]) => draftValue(name, name === 'task_id' ? lastTask(endpoint, value) : value, parameters.path, true)),
    query: valuesOf(example.query, parameters.query),
    headers: valuesOf(example.headers, parameters.header),
    body: example.body === null ? null : JSON.stringify(example.body, null, 2),
    parts: example.parts?.map((part) => ({ name: part.name, value: part.value ?? '', asFile: part.file !== null, file: null })) ?? null,
  }
}

/** Where the tab keeps the reader's newest task of an endpoint's family, for the pages that fetch one. */
export function lastTaskKey(endpoint: Endpoint): string {
  return `modelgate-task-${endpoint.family}`
}

function lastTask(endpoint: Endpoint, otherwise: string): string {
  return sessionStorage.getItem(lastTaskKey(endpoint)) ?? otherwise
}

/** The parameters in the path, as the example fills them. */
function pathValues(endpoint: Endpoint): [string, string][] {
  const names = [...endpoint.path.matchAll(PARAMETER)].map(([, name]) => name!)
  const pattern = endpoint.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(PARAMETER, '(.+?)')
  const values = new RegExp(`^${pattern}$`).exec(endpoint.example.path)?.slice(1) ?? []
  return names.map((name, index) => [name, decodeURIComponent(values[index] ?? '')])
}

function valuesOf(given: [string, string][], fields: Field[]): DraftValue[] {
  const others = fields.filter((field) => !given.some(([name]) => name === field.name))
  return [
    ...given.map(([name, value]) => draftValue(name, value, fields, false)),
    ...others.map((field) => draftValue(field.name, '', fields, field.required)),
  ]
}

function draftValue(name: string, value: string, fields: Field[], required: boolean): DraftValue {
  const field = fields.find((known) => known.name === name)
  const needed = required || (field?.required ?? false)
  return { name, value, optional: !needed && value === '', note: inPlainWords(field?.description.split('\n')[0] ?? ''), required: needed }
}

/** A hint is words alone: links keep their words, code its text. */
function inPlainWords(text: string): string {
  return text.replace(/ ?\[More\]\([^)]*\)/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')
}

/** What is wrong with the JSON, with its line; empty when nothing is. */
export function problemOfJson(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error)
    const at = Number(/position (\d+)/.exec(told)?.[1] ?? NaN)
    const line = /\(line (\d+)/.exec(told)?.[1] ?? (Number.isFinite(at) ? String(text.slice(0, at).split('\n').length) : '')
    return `This is not JSON${line ? `, see line ${line}` : ''}: ${told.replace(/\s*\(line.*\)|\s*in JSON at position.*/g, '')}`
  }
}

export function outgoingOf(endpoint: Endpoint, draft: Draft, key: string): Outgoing {
  const values = new Map(draft.path.map(({ name, value }) => [name, value]))
  const path = endpoint.path.replace(PARAMETER, (_, name: string) => encodeURIComponent(values.get(name) ?? '').replaceAll('%3A', ':'))
  const query = new URLSearchParams(draft.query.filter(({ value }) => value !== '').map(({ name, value }) => [name, value])).toString()
  const headers = Object.fromEntries(draft.headers.filter(({ value }) => value !== '').map(({ name, value }) => [name, value]))
  if (draft.body !== null) headers['content-type'] = 'application/json'
  return {
    method: endpoint.method,
    path: query ? `${path}?${query}` : path,
    headers,
    key: endpoint.key_kind ? key : undefined,
    body: draft.parts ? formOf(draft.parts) : (draft.body ?? undefined),
  }
}

function formOf(parts: DraftPart[]): FormData {
  const form = new FormData()
  for (const part of parts) {
    if (part.asFile && part.file) form.append(part.name, part.file, part.file.name)
    else if (!part.asFile && part.value !== '') form.append(part.name, part.value)
  }
  return form
}
