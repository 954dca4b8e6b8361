// Objects of the account API, as far as the console reads them.

export type Book = 'live' | 'test'
export type Role = 'owner' | 'admin' | 'member' | 'viewer'
export type Permission = 'read' | 'use' | 'members' | 'configure' | 'own'

export interface Member {
  id: string
  email: string
  name: string
  role: Role
  account: string
  account_name: string
  disabled: boolean
  created_at: number
  seen_at: number | null
  access_key_hint: string | null
}

export interface Me {
  member: Member
  permissions: Permission[]
}

export interface State {
  version: string
  base_url: string
  is_set_up: boolean
  sign_up: boolean
  member: Member | null
  permissions: Permission[]
}

export interface Invitation {
  id: string
  email: string
  role: Role
  account: string
  invited_by: string | null
  created_at: number
  expires_at: number
}

export interface Key {
  id: string
  name: string
  hint: string
  account: string
  account_name: string
  book: Book
  group: string
  limit_nanos: number | null
  limit_reset: LimitReset
  spent_nanos: number
  set_aside_nanos: number
  models: string[]
  ips: string[]
  rpm: number | null
  tpm: number | null
  cache_s: number | null
  expires_at: number | null
  disabled: boolean
  created_at: number
  last_used_at: number | null
  state: 'active' | 'disabled' | 'expired' | 'exhausted'
  secret?: string
}

export type LimitReset = 'never' | 'daily' | 'weekly' | 'monthly'

/** One call that came in: relayed, started as a task, or refused at the door. */
export interface RequestRow {
  request_id: string
  kind: 'request' | 'task' | 'refusal'
  at: number
  account: string
  key: string
  key_name: string
  model: string
  upstream: string
  upstream_name: string
  endpoint: string
  /** 202: a task that runs; 0: its relay died. */
  status: number
  error: string
  input_tokens: number
  output_tokens: number
  cached_tokens: number
  amount_nanos: number
  first_byte_ms: number
  total_ms: number
  stream: boolean
  estimated: boolean
  attempts: number
  outcome: string
  task: string | null
}

export interface PricePart {
  unit: string
  count: number
  rate: string
  per: number
  amount_nanos: number
}

export interface RouteStep {
  upstream: string
  name: string
  priority: number | null
  weight: number | null
  outcome: 'answered' | 'failed' | 'not_asked'
  why: string
}

export interface LedgerEntry {
  id: number
  at: number
  kind: string
  amount_nanos: number
  note: string
  cause?: string
  account?: string
}

export interface RequestDetail extends RequestRow {
  units: Record<string, number>
  hold_nanos: number
  overrun_nanos: number
  price: { formula: string; ratio: string; parts: PricePart[]; sum_nanos: number | null; text: string } | null
  route: RouteStep[]
  refusal: { code: string; message: string; rule: string; fix: string } | null
  ledger: { at: number; kind: string; debit: string; credit: string; amount_nanos: number; cause: string }[]
  note: string
}

export interface Wallet {
  account: string
  book: Book
  balance_nanos: number
  set_aside_nanos: number
  credit_limit_nanos: number | null
  spent_today_nanos: number
  spent_7d_nanos: number
  spent_30d_nanos: number
}

export interface RedemptionCode {
  id: string
  hint: string
  book: Book
  amount_nanos: number
  note: string
  created_at: number
  created_by: string
  expires_at: number | null
  redeemed_at: number | null
  redeemed_by: string | null
  account: string | null
  state: 'open' | 'redeemed' | 'withdrawn' | 'expired'
  code?: string
}

export interface Standing {
  balance_nanos: number
  set_aside_nanos: number
  credit_limit_nanos: number | null
}

export interface Account {
  id: string
  name: string
  created_at: number
  live: Standing
  test: Standing
  keys: number
}

export type TaskState = 'queued' | 'submitting' | 'unknown' | 'running' | 'waiting_input' | 'succeeded' | 'failed' | 'canceled' | 'expired'

export interface TaskOutput {
  kind: 'image' | 'video' | 'audio' | 'text'
  url: string | null
  content_type: string | null
  size_bytes: number
  duration_ms: number
  text: string | null
}

export interface Task {
  id: string
  at: number
  finished_at: number | null
  account: string
  key: string
  key_name: string
  family: string
  operation: string
  model: string
  state: TaskState
  progress: number
  prompt: string
  error: { code: string; message: string } | null
  amount_nanos: number
  upstream: string | null
  upstream_name: string | null
  outputs: TaskOutput[]
  callback_url: string | null
  deliveries_count: number
}

export interface TaskDetail extends Task {
  request: unknown
  inputs: TaskOutput[]
  request_id: string
  parent: string | null
  events: { state: TaskState; at: number }[]
  deliveries: { id: string; task_state: TaskState; state: string; attempts: number; created_at: number; sent_at: number | null; next_try_at: number | null; answer_status: number | null; error: string | null }[]
}

export interface Price {
  rates: Record<string, string>
  free: boolean
  source: string
  date: string
  set_by: 'operator' | 'shipped'
}

export interface Model {
  id: string
  vendor: string
  operations: string[]
  paths: string[]
  price: Price | null
  upstreams: string[] | null
}

export interface ModelList {
  data: Model[]
  units: Record<string, number>
  groups: Group[]
}

export interface Group {
  name: string
  multiplier: string
}

export interface Upstream {
  id: string
  name: string
  provider: string
  provider_title: string
  base_url: string
  book: Book
  models: Record<string, string>
  priority: number
  weight: number
  disabled: boolean
  free: boolean
  cancel: 'drain' | 'cancel'
  timeout_s: number
  max_concurrent: number
  ca_file: string
  secrets_count: number
  health: { state: 'idle' | 'ok' | 'failing'; requests: number; failed: number; last_error: string | null; last_status: number | null; last_failed_at: number | null; last_ok_at: number | null }
}

export interface UpstreamTest {
  ok: boolean
  status: number | null
  latency_ms: number | null
  message: string
  models: string[]
  credentials: { ok: boolean; status: number | null; latency_ms: number | null; message: string }[]
}

export interface Provider {
  name: string
  title: string
  base_url: string
  needs_base_url: boolean
  needs_secret: boolean
  operations: string[]
  documentation: string
}

export interface Setting {
  name: string
  value: string
  default: string
  values: string[]
  /** What it takes in words; empty: one of `values`. */
  takes: string
  description: string
}

export interface SettingList {
  data: Setting[]
  started_with: { name: string; flag: string; variable: string; value: string; description: string }[]
}

/** What an owner or admin changed. */
export interface AdminEvent {
  id: number
  at: number
  member: string
  email: string
  action: string
  subject: string
  detail: unknown
}
