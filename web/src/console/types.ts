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
  expires_at: number | null
  disabled: boolean
  created_at: number
  last_used_at: number | null
  state: 'active' | 'disabled' | 'expired' | 'exhausted'
  secret?: string
}

export type LimitReset = 'never' | 'daily' | 'weekly' | 'monthly'
