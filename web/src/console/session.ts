// Who is signed in, and which book and account they look at.
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '../api/client'
import type { Book, Me, Permission, State } from './types'

const BOOK = 'modelgate-book'

export const state = shallowRef<State>()
export const member = computed(() => state.value?.member ?? null)
export const book = ref<Book>(kept())
/** Owners and admins may look at one account; empty is all that they see. */
export const account = ref('')

watch(book, (chosen) => {
  try {
    localStorage.setItem(BOOK, chosen)
  } catch {
    // No storage allowed: the choice lasts as long as the page.
  }
})

export async function loadState(): Promise<State> {
  state.value = await api.get<State>('/api/state')
  return state.value
}

export function can(permission: Permission): boolean {
  return state.value?.permissions.includes(permission) ?? false
}

/** Whether other accounts than one's own are in sight. */
export const seesAll = computed(() => member.value?.role === 'owner' || member.value?.role === 'admin')

/** Take over what signing in, joining and changing oneself answer. */
export function welcome(me: Me): void {
  if (state.value) state.value = { ...state.value, is_set_up: true, member: me.member, permissions: me.permissions }
}

export function forget(): void {
  account.value = ''
  if (state.value) state.value = { ...state.value, member: null, permissions: [] }
}

function kept(): Book {
  try {
    return localStorage.getItem(BOOK) === 'test' ? 'test' : 'live'
  } catch {
    return 'live'
  }
}
