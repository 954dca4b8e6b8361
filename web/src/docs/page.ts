// The documents of /docs/data. src/modelgate/portal/pages.py is the truth about their shape.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

export interface Link {
  slug: string
  title: string
}

export interface Field {
  name: string
  type: string
  required: boolean
  nullable: boolean
  description: string
  default: Json
  enum: Json[]
  minimum: number | null
  maximum: number | null
  min_length: number | null
  max_length: number | null
  example: Json
  children: Field[]
}

export interface Part {
  name: string
  value: string | null
  file: { filename: string; content_type: string } | null
}

export interface Example {
  method: string
  path: string
  query: [string, string][]
  headers: [string, string][]
  content_type: string
  body: Json
  parts: Part[] | null
  stream: boolean
}

export interface Answer {
  status: number
  content_type: string
  fields: Field[]
  example: Json
  text: string | null
}

export interface ErrorRow {
  status: number
  code: string
  message: string
}

export interface Endpoint {
  method: string
  path: string
  name: string
  family: string
  needs_key: boolean
  /** A key for models, one for the account API (or the console's session), or none. */
  key_kind: 'key' | 'access_key' | ''
  price_unit: string
  parameters: { path: Field[]; query: Field[]; header: Field[] }
  request: { content_type: string; fields: Field[] } | null
  example: Example
  response: Answer
  errors: ErrorRow[]
  follow: { task_id_pointer: string } | null
  more: { title: string; prose: string; example: Example; answer: Answer }[]
}

export interface Page {
  slug: string
  title: string
  section: string[]
  kind: 'endpoint' | 'object' | 'models' | 'prose'
  summary: string
  prose: string
  previous: Link | null
  next: Link | null
  endpoint: Endpoint | null
  object: Answer | null
  samples: { language: string; files: { title: string; name: string; code: string }[] } | null
}

export interface NavigationItem {
  title: string
  slug: string | null
  method: string | null
  children: NavigationItem[]
}

export interface SiteData {
  title: string
  version: string
  base_url: string
  navigation: NavigationItem[]
  languages: string[]
}

export interface SearchEntry {
  slug: string
  title: string
  section: string[]
  headings: [string, string][]
  text: string
}

export interface ListedModel {
  id: string
  operations: string[]
  books: string[]
  vendor: string
  price: { rates: Record<string, string>; free: boolean; source: string; listed: string } | null
}

export interface ListedModels {
  units: Record<string, number>
  data: ListedModel[]
}
